#include "tools/bench_fixture.hpp"

#include <algorithm>
#include <functional>

#include <millrace/loop/deadline.hpp>

#include "tools/closed_cycle.hpp"
#include "tools/connection_group.hpp"
#include "tools/job_mark.hpp"
#include "tools/job_put.hpp"
#include "tools/refusal.hpp"
#include "tools/task_group.hpp"

namespace millrace::tools {

using wire::beanstalk_verb;
using wire::beanstalk_word;

namespace {

/// The most commands in one piece while the fixture is made or removed.
constexpr std::size_t commands_a_piece = 500;
constexpr std::size_t openings_a_time = 100;
/// No reply says when a server has seen the end of a connection, so it is asked again.
constexpr duration pause_between_looks = milliseconds{10};
/// A server that goes through all its queues for each command is slow with many of them, not dead.
constexpr duration piece_patience = minutes{2};
/// Bytes of the name of the first queue with which the names of further queues begin.
constexpr std::size_t stem_bytes = 150;
constexpr std::uint32_t workers = 8;
constexpr std::uint32_t worker_depth = 100;

using reply_taker = std::function<result<>(const wire::beanstalk_reply&)>;

/// Sends the commands that `client` has collected, and gives each reply to `take` until it refuses one.
loop::awaitable<result<>> exchange(network::beanstalk_client& client, instant until, const reply_taker& take) {
  const auto sent = co_await client.send(until);
  if (!sent) co_return sent;
  while (client.awaited() > 0) {
    const auto reply = co_await client.reply(until);
    if (!reply) co_return reply.error();
    const auto taken = take(*reply);
    if (!taken) co_return taken;
  }
  co_return all_well;
}

}  // namespace

bench_fixture::bench_fixture(loop::event_loop& loop, const bench_options& options, const network::address& server,
                             std::uint32_t run, const std::vector<std::string>& queues, progress& shown)
    : loop_{loop}, options_{options}, server_{server}, run_{run}, queues_{queues}, progress_{shown} {}

loop::awaitable<result<>> bench_fixture::set_up() {
  auto made = co_await open_idle_connections();
  if (made) made = co_await make_extra_queues();
  if (made && options_.backlog > 0) made = co_await put_backlog();
  if (!made && made.error().code != errc::refused) co_return error{errc::not_found, made.error().text};
  co_return made;
}

loop::awaitable<result<>> bench_fixture::tear_down(bool empty_load_queues) {
  result<> taken;
  if (empty_load_queues) taken = co_await await_end_of_load();
  if (taken && (options_.backlog > 0 || empty_load_queues)) taken = co_await empty_queues();
  auto deleted = co_await delete_extra_jobs();
  idle_.clear();
  co_return taken ? deleted : taken;
}

loop::awaitable<result<>> bench_fixture::connect_idle(bench_fixture& self, network::connection& idle) {
  co_return co_await idle.open(self.server_, after(self.loop_.now(), answer_patience));
}

loop::awaitable<result<>> bench_fixture::open_idle_connections() {
  while (idle_.size() < options_.idle_connections) {
    progress_.say("opening idle connections: " + std::to_string(idle_.size()));
    task_group openings{loop_};
    const std::size_t upto = std::min<std::size_t>(options_.idle_connections, idle_.size() + openings_a_time);
    while (idle_.size() < upto)
      openings.spawn("idle", connect_idle(*this, *idle_.emplace_back(std::make_unique<network::connection>(loop_))));
    const auto opened = co_await openings.join();
    if (!opened) co_return opened;
  }
  co_return all_well;
}

loop::awaitable<result<>> bench_fixture::make_extra_queues() {
  if (options_.extra_queues == 0) co_return all_well;
  network::beanstalk_client client{loop_};
  const auto opened = co_await client.open(server_, after(loop_.now(), answer_patience));
  if (!opened) co_return opened;
  wire::beanstalk_command use, put;
  use.verb = beanstalk_verb::use;
  put.verb = beanstalk_verb::put;
  put.ttr = job_put::ttr_seconds;
  std::string content(options_.body_bytes, '.');
  job_mark{run_, job_mark::to_stay}.write(content.data());
  put.content = body{content};
  put.count = options_.body_bytes;
  const reply_taker note_put = [this](const wire::beanstalk_reply& reply) -> result<> {
    if (reply.word == beanstalk_word::inserted) extra_jobs_.push_back(reply.number);
    if (reply.word == beanstalk_word::inserted || reply.word == beanstalk_word::using_tube) return all_well;
    return refused("put into a further queue", reply.word);
  };
  while (extra_jobs_.size() < options_.extra_queues) {
    progress_.say("making further queues: " + std::to_string(extra_jobs_.size()));
    const std::size_t upto = std::min<std::size_t>(options_.extra_queues, extra_jobs_.size() + commands_a_piece / 2);
    for (std::size_t at = extra_jobs_.size(); at < upto; ++at) {
      const std::string name = queues_.front().substr(0, stem_bytes) + "-extra-" + std::to_string(at);
      use.tube = name;
      client.queue(use);
      client.queue(put);
    }
    const auto put_all = co_await exchange(client, after(loop_.refresh_now(), piece_patience), note_put);
    if (!put_all) co_return put_all;
  }
  co_return all_well;
}

loop::awaitable<result<>> bench_fixture::delete_extra_jobs() {
  if (extra_jobs_.empty()) co_return all_well;
  network::beanstalk_client client{loop_};
  const auto opened = co_await client.open(server_, after(loop_.refresh_now(), answer_patience));
  if (!opened) co_return opened;
  wire::beanstalk_command remove;
  remove.verb = beanstalk_verb::delete_job;
  const reply_taker take_any = [](const wire::beanstalk_reply&) -> result<> { return all_well; };
  while (!extra_jobs_.empty()) {
    progress_.say("deleting further queues: " + std::to_string(extra_jobs_.size()) + " left");
    for (std::size_t sent = 0; sent < commands_a_piece && !extra_jobs_.empty(); ++sent, extra_jobs_.pop_back()) {
      remove.job = extra_jobs_.back();
      client.queue(remove);
    }
    const auto deleted = co_await exchange(client, after(loop_.refresh_now(), piece_patience), take_any);
    if (!deleted) co_return deleted;
  }
  co_return all_well;
}

loop::awaitable<result<>> bench_fixture::put_backlog() {
  closed_run run;
  run.plan.task = closed_plan::work::put;
  run.plan.to_stay = true;
  run.plan.jobs = options_.backlog;
  co_return co_await work_through(run, "putting the backlog");
}

loop::awaitable<result<>> bench_fixture::await_end_of_load() {
  const instant until = after(loop_.refresh_now(), answer_patience);
  network::beanstalk_client client{loop_};
  const auto opened = co_await client.open(server_, until);
  if (!opened) co_return opened;
  bool is_in_use = true;
  const reply_taker note_use = [&is_in_use](const wire::beanstalk_reply& reply) -> result<> {
    if (reply.word != beanstalk_word::ok) return all_well;  // the queue is gone
    for (const std::string_view unused : {"current-jobs-reserved: 0\n", "current-using: 0\n", "current-watching: 0\n"})
      is_in_use = is_in_use || reply.chunk.find(unused) == std::string_view::npos;
    return all_well;
  };
  wire::beanstalk_command ask;
  ask.verb = beanstalk_verb::stats_tube;
  while (is_in_use) {
    is_in_use = false;
    for (const std::string& queue : queues_) {
      ask.tube = queue;
      client.queue(ask);
    }
    const auto asked = co_await exchange(client, until, note_use);
    if (!asked) co_return asked;
    if (is_in_use) co_await loop::sleep_for(loop_, pause_between_looks);
  }
  co_return all_well;
}

loop::awaitable<result<>> bench_fixture::empty_queues() {
  closed_run run;
  run.plan.task = closed_plan::work::drain;
  run.plan.check = false;
  co_return co_await work_through(run, "emptying the queues");
}

loop::awaitable<result<>> bench_fixture::work_through(closed_run& run, const char* phase) {
  run.plan.run = run_;
  run.plan.depth = worker_depth;
  run.plan.body_bytes = options_.body_bytes;
  connection_group connections{loop_, server_};
  auto done = co_await connections.open(std::max(workers, static_cast<std::uint32_t>(queues_.size())), queues_);
  if (!done) co_return done;
  task_group parts{loop_};
  progress_.watch(run.counts, parts, phase);
  done = co_await connections.work(run, parts);
  co_await progress_.rest();
  co_return done;
}

}  // namespace millrace::tools
