#include "beanstalk/statistics.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "base/hex.hpp"

namespace millrace::beanstalk {

namespace {

using wire::beanstalk_yaml;

std::uint64_t whole_seconds(duration length) {
  return static_cast<std::uint64_t>(std::max<seconds::rep>(0, std::chrono::duration_cast<seconds>(length).count()));
}

std::uint64_t seconds_until(instant end, instant now) { return whole_seconds(time_between(now, end)); }

std::uint64_t microseconds_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000u + static_cast<std::uint64_t>(time.tv_usec);
}

void add_process(beanstalk_yaml& all, const server_facts& facts, instant now) {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  all.add("pid", static_cast<std::uint64_t>(::getpid()));
  all.add_text("version", protocol_version);
  all.add_seconds("rusage-utime", microseconds_of(used.ru_utime));
  all.add_seconds("rusage-stime", microseconds_of(used.ru_stime));
  all.add("uptime", whole_seconds(age(facts.began_at, now)));
}

}  // namespace

std::string new_server_id() {
  std::random_device source;
  // A letter first, so that no parser takes it for a number.
  std::string id{hex_digits[10 + source() % 6]};
  while (id.size() < 16) id += hex_digits[source() % 16];
  return id;
}

beanstalk_yaml stats_of_server(const engine::engine& engine, const session_counts& counts, const server_facts& facts,
                               instant now) {
  beanstalk_yaml all;
  const auto totals = engine.totals();
  all.add("current-jobs-urgent", totals.urgent);
  all.add("current-jobs-ready", totals.ready);
  all.add("current-jobs-reserved", totals.reserved);
  all.add("current-jobs-delayed", totals.delayed);
  all.add("current-jobs-buried", totals.buried);
  for (const auto& row : wire::beanstalk_commands)
    if (!row.counter.empty()) all.add(row.counter, counts.command(row.verb).value());
  all.add("job-timeouts", totals.ttr_expired.value());
  all.add("total-jobs", totals.puts.value());
  all.add("max-job-size", facts.max_job_size);
  all.add("current-tubes", engine.queue_count());
  all.add("current-connections", facts.listener->connections);
  all.add("current-producers", counts.producers);
  all.add("current-workers", counts.workers);
  all.add("current-waiting", counts.waiting);
  all.add("total-connections", facts.listener->opened.value());
  add_process(all, facts, now);
  for (const auto* key : {"binlog-oldest-index", "binlog-current-index", "binlog-records-migrated",
                          "binlog-records-written", "binlog-max-size"}) {
    all.add(key, 0);
  }
  all.add_bare("draining", facts.draining ? "true" : "false");
  all.add_text("id", facts.id);
  utsname system{};
  ::uname(&system);
  all.add_text("hostname", system.nodename);
  all.add_text("os", system.version);
  all.add_text("platform", system.machine);
  return all;
}

beanstalk_yaml stats_of_tube(std::string_view name, const engine::queue_levels& levels,
                             const engine::queue_counts& counts, instant now) {
  beanstalk_yaml all;
  all.add_text("name", name);
  all.add("current-jobs-urgent", levels.urgent);
  all.add("current-jobs-ready", levels.ready);
  all.add("current-jobs-reserved", levels.reserved);
  all.add("current-jobs-delayed", levels.delayed);
  all.add("current-jobs-buried", levels.buried);
  all.add("total-jobs", counts.puts.value());
  all.add("current-using", levels.using_sessions);
  all.add("current-watching", levels.watching_sessions);
  all.add("current-waiting", levels.waiting_sessions);
  all.add("cmd-delete", counts.deletes.value());
  all.add("cmd-pause-tube", counts.pauses.value());
  const bool paused = levels.paused_until > now;
  all.add("pause", paused ? whole_seconds(levels.paused_for) : 0);
  all.add("pause-time-left", paused ? seconds_until(levels.paused_until, now) : 0);
  return all;
}

beanstalk_yaml stats_of_job(const engine::job_facts& job, std::string_view tube, instant now) {
  beanstalk_yaml all;
  all.add("id", job.job.value());
  all.add_text("tube", tube);
  all.add_bare("state", engine::name_of(job.state));
  all.add("pri", job.priority);
  all.add("age", whole_seconds(age(job.put_at, now)));
  all.add("delay", whole_seconds(job.delay));
  all.add("ttr", whole_seconds(job.ttr));
  all.add("time-left", job.due == never ? 0 : seconds_until(job.due, now));
  all.add("file", 0);
  all.add("reserves", job.reserves);
  all.add("timeouts", job.timeouts);
  all.add("releases", job.releases);
  all.add("buries", job.buries);
  all.add("kicks", job.kicks);
  if (job.failures != 0) all.add("failures", job.failures);
  if (!job.error_text.empty()) all.add_text("last-error", job.error_text);
  return all;
}

}  // namespace millrace::beanstalk
