#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "broker/bodies.hpp"
#include "broker/broker.hpp"
#include "broker/capacity_wait_times.hpp"
#include "broker/commit_tracker.hpp"
#include "broker/deadline_timer.hpp"
#include "broker/job_trace.hpp"
#include "broker/pending_decisions.hpp"
#include "broker/source_steps.hpp"

namespace millrace::broker {

/// Commands between two readings of the clock within one turn of the loop.
inline constexpr unsigned commands_per_clock_reading = 256;

/// The members of the broker. Commands on one job that never wait, and most commands on queues, are in commands.cpp,
/// the end of a job with its outputs in finish.cpp, groups in groups.cpp, walks over jobs and long actions in
/// job_walks.cpp. All other commands are in broker.cpp.
struct broker::parts {
  parts(loop::event_loop& event_loop, store::store& storage, engine::engine_options limits)
      : loop{event_loop},
        engine{without_bodies_on_disk_unless(storage.reads_bodies(), limits)},
        commits{event_loop, storage},
        disk_bodies{engine, storage, storage.reads_bodies() && limits.body_memory_max},
        store{storage},
        pending{event_loop},
        timer{event_loop, [this] { return advance(); }} {
    engine.collect_changes(commits.is_persistent());
    engine.set_disk_check([this](std::uint64_t bytes) { return can_store_moved_job(bytes); });
    bodies_durable = commits.subscribe_durable([this] {
      disk_bodies.on_durable();
      timer.set(next_deadline());
    });
    if (store.reads_bodies())
      store.set_on_body_read([this](job_id job, result<body>&& content) { body_read(job, content); });
  }

  static engine::engine_options without_bodies_on_disk_unless(bool readable, engine::engine_options limits) {
    if (!readable) limits.body_memory_max.reset();
    return limits;
  }

  /// The time of the next command.
  instant now() {
    if (++commands % commands_per_clock_reading == 0) return loop.refresh_now();
    return loop.now();
  }

  /// Ends a command whose answer, if it has one, waits for no batch.
  void commit_without_receipt(commit_tracker::cause trigger = commit_tracker::cause::command) {
    static_cast<void>(commit(trigger));
  }

  /// Ends a command: hands its changes to the store, delivers its decisions, sets the timer.
  committed commit(commit_tracker::cause trigger = commit_tracker::cause::command) {
    // Jobs that are due wait: their changes would be written while the file is still being read.
    if (restoring) return commit_tracker::nothing();
    const bool has_events = engine.has_events();
    if (has_events) take_decisions();
    auto made = commit_tracker::nothing();
    if (commits.is_persistent()) {
      engine.take_changes(changes);
      steps.append_to(changes);
      if (!action_changes.empty()) append_action_changes();
      if (disk_bodies.bounded()) disk_bodies.note(changes);
      if (trace.watches()) trace.note(changes);
      made = commits.commit(changes, engine.last_id(), trigger);
      if (disk_bodies.bounded()) disk_bodies.written_with(commits.last_written());
      disk_bodies.follow_up();
      trace.handed_over(commits.last_written());
    }
    // After the changes are handed over: a decision carries its receipt.
    if (has_events) deliver(made);
    timer.set(next_deadline());
    if (const auto completed = engine.groups_completed(); completed != groups_over) {
      groups_over = completed;
      group_over.notify();
    }
    if (const auto departures = engine.departures(); departures != departures_seen) {
      departures_seen = departures;
      job_left.notify();
    }
    return made;
  }

  void append_action_changes() {
    std::move(action_changes.begin(), action_changes.end(), std::back_inserter(changes));
    action_changes.clear();
  }

  /// When `advance` must be called again, even if no command comes.
  [[nodiscard]] instant next_deadline() const { return disk_bodies.is_behind() ? loop.now() : engine.next_deadline(); }

  [[nodiscard]] bool is_on_disk(queue_id queue) const {
    return engine.options_of(queue).durability != engine::durability::memory;
  }

  /// A put that the store could not write is refused before it runs: the engine cannot take it back.
  [[nodiscard]] bool cannot_be_stored(queue_id queue, std::uint64_t put_bytes) const {
    return put_bytes > job_bytes_max && is_on_disk(queue);
  }

  /// A put that the disk has no space for is refused before it runs.
  [[nodiscard]] bool short_of_space(queue_id queue, std::uint64_t put_bytes) const {
    return is_on_disk(queue) && store.short_of_space(put_bytes);
  }

  /// Whether the store can write a job that moves from memory into a durable queue. If not, a dead letter is buried
  /// instead, which takes no space for its body, and a `job_change` is refused. After a failure of the store nothing is
  /// written anyway.
  [[nodiscard]] bool can_store_moved_job(std::uint64_t bytes) const {
    return bytes <= job_bytes_max && (!store.short_of_space(bytes) || store.has_failed());
  }

  /// A put that the store can write. `step`: see `try_put`. `taker`: nullptr if a coroutine awaits the decision.
  receipted<engine::put_answer> run_put(session_id session, queue_id queue, engine::put_request&& job,
                                        const source_step* step, decision_taker* taker);

  /// Why the outputs of a finish cannot be put: `too_large` or `no_space`; none: the store can write them.
  [[nodiscard]] std::optional<engine::reason> refusal_of(const std::vector<engine::output>& outputs) const;
  /// Whether all of these queues block producers, so that their outputs wait too.
  [[nodiscard]] bool all_block(const std::vector<engine::output>& outputs) const;

  /// No answer waits for a step alone, so its durability is at most relaxed.
  void add_step(session_id session, queue_id queue, const source_step& step, engine::put_status status) {
    const auto durability = std::min(engine.options_of(queue).durability, engine::durability::relaxed);
    steps.add(session, {queue, step.source, step.to, durability}, status);
  }

  receipted<peek_answer> peek(session_id session, std::optional<engine::job_facts>&& job, decision_taker& taker) {
    const auto ids = commits.known_ids(engine.last_id());
    if (!job) return ids.answer_with_ids(peek_answer{});
    if (!job->content_on_disk) return ids.answer_with_ids(peek_answer{peek_status::found, std::move(*job)});
    pending.expect(session, std::nullopt, &taker);
    disk_bodies.begin_peek(session, job->job);
    return ids.answer_with_ids(peek_answer{peek_status::waiting, {}});
  }

  /// Logged once: only a new data directory helps.
  void note_if_out_of_ids(const engine::put_answer& answer) {
    if (answer.status != engine::put_status::refused || answer.refusal != engine::reason::no_ids) return;
    if (out_of_ids_logged) return;
    out_of_ids_logged = true;
    log::error("job_ids_exhausted", "the highest job id has been given out; every put is refused",
               {{"job_id_max", std::to_string(job_id_max.value())}});
  }

  void take_decisions() {
    engine.take_events(events);
    for (const auto& one : events) {
      if (one.type == engine::event::kind::put_admitted) steps.on_admitted(one.session);
    }
  }

  void deliver(const committed& made) {
    for (auto& one : events) {
      if (one.type == engine::event::kind::cancelled) {
        const auto found = on_cancelled.find(one.session);
        if (found != on_cancelled.end()) found->second(one.id);
        continue;
      }
      const auto durable_with = receipt_of(one, made);
      auto wait = pending.decide({std::move(one), durable_with});
      wait_times.end(wait, loop.now());
    }
    events.clear();
  }

  /// Puts and finishes wait for their changes, reserves for the block of the ids that they announce.
  static receipt receipt_of(const engine::event& event, const committed& made) noexcept {
    switch (event.type) {
      case engine::event::kind::put_admitted:
      case engine::event::kind::finish_done:
        return made.of_changes();
      default:
        return made.of_ids();
    }
  }

  enum class wait_for { capacity_for_put, job, capacity_for_output };
  /// Suspends until the session's decision. Cancelled before there is one: withdraws the request, and throws.
  /// `job`: the one whose output waits.
  loop::awaitable<decision> decision_of(session_id session, wait_for awaited, job_id job);

  instant advance() {
    engine.advance(now());
    disk_bodies.on_durable();
    commit_without_receipt(commit_tracker::cause::time);
    return next_deadline();
  }

  void body_read(job_id job, result<body>& content) {
    for (const auto session : disk_bodies.take_peekers(job)) {
      engine::event shown;
      shown.session = session;
      shown.type = content ? engine::event::kind::shown : engine::event::kind::not_found;
      shown.job.job = job;
      if (content) shown.job.content = *content;
      pending.decide({std::move(shown), commits.known_ids(engine.last_id()).of_ids()});
    }
    if (content) {
      engine.body_loaded(job, std::move(*content), now());
    } else {
      engine.body_lost(job, now());
    }
    commit_without_receipt();
  }

  /// Ends the wait of a session that has no decision. Requires: its request was withdrawn from the engine.
  void give_up(session_id session) {
    steps.on_withdrawn(session);
    auto wait = pending.withdraw(session);
    disk_bodies.end_peek(session);
    wait_times.end(wait, loop.now());
    commit_without_receipt();
  }

  loop::event_loop& loop;
  engine::engine engine;
  engine::queue_options queue_defaults;
  commit_tracker commits;
  bodies disk_bodies;
  store::store& store;
  const std::uint64_t job_bytes_max{store.job_bytes_max()};
  pending_decisions pending;
  capacity_wait_times wait_times;
  source_steps steps;
  std::vector<engine::event> events;
  std::unordered_map<session_id, std::function<void(job_id)>> on_cancelled;
  engine::change_set changes;
  engine::change_set action_changes;  ///< to be stored with the next command
  std::vector<kept_action> kept_actions;
  subscriber_list job_left;
  subscriber_list group_over;
  std::uint64_t groups_over{0};      ///< that were announced
  std::uint64_t departures_seen{0};  ///< that were announced
  unsigned commands{0};
  bool restoring{false};
  bool out_of_ids_logged{false};
  deadline_timer timer;
  job_trace trace{loop, engine, commits};
  subscription bodies_durable;  ///< uses all of the above
};

}  // namespace millrace::broker
