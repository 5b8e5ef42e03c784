#include "store/dump.hpp"

#include <boost/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "store/dump_words.hpp"
#include "store/group_rows.hpp"
#include "store/reader.hpp"

namespace millrace::store {

namespace {

namespace json = boost::json;

/// With an offset of zero, instants are times of the wall.
constexpr duration of_the_wall{0};
std::int64_t wall_ns(instant when) { return when.time_since_epoch().count(); }

void add_text(json::object& to, const std::string& name, std::string_view bytes) {
  if (is_utf8(bytes)) {
    to[name] = json::string_view{bytes.data(), bytes.size()};
  } else {
    to[name + "_base64"] = to_base64(bytes);
  }
}

void add_count(json::object& to, const char* name, std::uint64_t count) {
  if (count != 0) to[name] = count;
}

void add_details(json::object& to, const engine::job_details& details) {
  const auto add_time = [&to](const char* name, instant when) {
    if (when != never) to[name] = wall_ns(when);
  };
  if (details.cause) to["reason"] = engine::name_of(*details.cause);
  if (!details.origin.empty()) add_text(to, "origin", details.origin);
  add_time("first_failure_at_ns", details.first_failure);
  add_time("last_failure_at_ns", details.last_failure);
  add_time("expires_at_ns", details.expires_at);
  add_count(to, "group", details.group.value());
  add_count(to, "group_place", details.group_place);
}

json::object object_of(const engine::kept_job& job, const std::string& queue) {
  json::object made{{"id", job.job.value()}};
  add_text(made, "queue", queue);
  made["state"] = dump_words[static_cast<std::size_t>(job.state)];
  made["priority"] = job.request.priority;
  made["put_at_ns"] = wall_ns(job.put_at);
  if (job.state == engine::job_state::delayed) made["due_at_ns"] = wall_ns(job.due);
  made["ttr_ns"] = job.request.ttr.count();
  made["delay_ns"] = job.request.delay.count();
  add_count(made, "deliveries", job.tally.reserves);
  add_count(made, "timeouts", job.tally.timeouts);
  add_count(made, "releases", job.tally.releases);
  add_count(made, "buries", job.tally.buries);
  add_count(made, "kicks", job.tally.kicks);
  add_count(made, "failures", job.tally.failures);
  add_count(made, "interruptions", job.tally.interruptions);
  add_count(made, "laters", job.tally.laters);
  if (job.handed_out) made["handed_out"] = true;
  if (job.details) add_details(made, *job.details);
  if (!job.error_text.empty()) add_text(made, "error", job.error_text);
  add_text(made, "body", job.request.content.view());
  return made;
}

json::object object_of(engine::group_id group, const engine::group_facts& facts) {
  json::object made{{"group", group.value()}};
  add_text(made, "name", facts.name);
  made["state"] = group_state_words[static_cast<std::size_t>(facts.state)];
  made["ends_with"] = group_end_words[static_cast<std::size_t>(facts.ends_with)];
  made["remaining"] = remaining_words[static_cast<std::size_t>(facts.remaining)];
  made["opened_at_ns"] = wall_ns(facts.opened_at);
  if (!facts.outcome_queue.empty()) add_text(made, "outcome_queue", facts.outcome_queue);
  if (facts.outcome_put) made["outcome_put"] = true;
  add_count(made, "outer_group", facts.outer.value());
  add_count(made, "outer_place", facts.outer_place);
  add_count(made, "members", facts.members);
  add_count(made, "ended", facts.ended);
  add_count(made, "succeeded", facts.succeeded);
  return made;
}

json::object object_of(engine::group_id group, std::uint32_t place, const engine::group_member& member) {
  json::object made{{"member_of", group.value()}, {"place", place}, {"job", member.job.value()}};
  made["outcome"] = engine::name_of(member.result);
  if (!member.text.empty()) add_text(made, "text", member.text);
  if (member.is_cut) made["is_cut"] = true;
  return made;
}

json::object object_of(const kept_position& position) {
  json::object made;
  add_text(made, "producer", position.source.producer);
  add_text(made, "kind", position.source.kind);
  made["place"] = position.at.place;
  made["checksum"] = static_cast<std::int64_t>(position.at.checksum);  // as it stands in the file
  made["bodies"] = position.at.bodies;
  return made;
}

using line_sink = std::function<result<>(std::string_view line)>;

/// The lines that are written, with the seal that they get at the end.
class sealed_lines {
 public:
  explicit sealed_lines(const line_sink& on_line) : on_line_{on_line} {}
  result<> write(const json::object& object) {
    const auto text = json::serialize(object);
    seal_.add(text);
    return on_line_(text);
  }
  result<> end() { return on_line_(json::serialize(json::object{{"lines", seal_.lines()}, {"xxh3", seal_.hex()}})); }

 private:
  const line_sink& on_line_;
  dump_seal seal_;
};

using queue_names = std::unordered_map<queue_number, std::string>;

/// The pauses; `names` gets all queues.
result<> dump_queues(const data_directory& directory, sqlite::connection& data, queue_names& names,
                     sealed_lines& lines) {
  queue_cursor rows{data, of_the_wall};
  for (kept_queue queue;;) {
    const auto step = rows.next(queue);
    if (!step) return damage(directory, step.error());
    if (*step == cursor_step::end) return {};
    names[queue.number] = queue.name;
    if (!queue.paused) continue;
    json::object pause;
    add_text(pause, "paused", queue.name);
    if (queue.paused_until != never) pause["until_ns"] = wall_ns(queue.paused_until);
    pause["length_ns"] = queue.paused_for.count();
    if (const auto written = lines.write(pause); !written) return written;
  }
}

result<> dump_positions(const data_directory& directory, sqlite::connection& data, sealed_lines& lines) {
  result<> written{};
  const auto read = each_position(data, [&](kept_position&& position) {
    if (written) written = lines.write(object_of(position));
  });
  return read ? written : damage(directory, read.error());
}

result<> dump_groups(const data_directory& directory, sqlite::connection& data, sealed_lines& lines) {
  group_cursor rows{data, of_the_wall};
  for (engine::kept_group group;;) {
    const auto step = rows.next(group);
    if (!step) return damage(directory, step.error());
    if (*step == group_cursor::step::end) return {};
    if (*step == group_cursor::step::member) continue;
    if (const auto written = lines.write(object_of(group.group, group.facts)); !written) return written;
    for (const auto& [place, member] : group.ended) {
      if (const auto written = lines.write(object_of(group.group, place, member)); !written) return written;
    }
  }
}

result<> dump_actions(const data_directory& directory, sqlite::connection& data, sealed_lines& lines) {
  result<> written{};
  const auto read = each_action(data, [&](action_row&& action) {
    if (!written) return;
    json::object made{{"action", action.number}};
    add_text(made, "description", action.description);
    written = lines.write(made);
  });
  return read ? written : damage(directory, read.error());
}

result<> dump_jobs(const data_directory& directory, sqlite::connection& data, const queue_names& names,
                   sealed_lines& lines) {
  known_queues numbers;
  for (const auto& [number, name] : names) numbers.insert(number);
  job_cursor rows{data, of_the_wall};
  for (job_row row;;) {
    const auto step = rows.next(numbers, row);
    if (!step) return damage(directory, step.error());
    if (*step == cursor_step::end) return {};
    if (*step == cursor_step::skipped) continue;
    const auto written = lines.write(object_of(row.job, names.find(row.queue)->second));
    if (!written) return written;
  }
}

}  // namespace

result<> dump(const data_directory& directory, const line_sink& on_line) {
  sealed_lines lines{on_line};
  auto data = open_data_file(directory, nullptr);
  if (!data) return data.error();
  const auto marks = read_id_marks(*data);
  if (!marks) return damage(directory, marks.error());
  if (const auto written = lines.write({{"ids_up_to", marks->job}}); !written) return written.error();
  if (marks->group != 0) {
    if (const auto written = lines.write({{"groups_up_to", marks->group}}); !written) return written.error();
  }
  queue_names names;
  if (const auto done = dump_queues(directory, *data, names, lines); !done) return done;
  if (const auto done = dump_positions(directory, *data, lines); !done) return done;
  if (const auto done = dump_groups(directory, *data, lines); !done) return done;
  if (const auto done = dump_jobs(directory, *data, names, lines); !done) return done;
  if (const auto done = dump_actions(directory, *data, lines); !done) return done;
  return lines.end();
}

}  // namespace millrace::store
