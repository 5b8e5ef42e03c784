#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "broker/admission.hpp"
#include "broker/alarm.hpp"
#include "broker/bodies.hpp"
#include "broker/broker.hpp"
#include "broker/held_reply.hpp"
#include "broker/id_lease.hpp"
#include "broker/source_steps.hpp"
#include "broker/waiting.hpp"

namespace millrace::broker {

/// Commands between two readings of the clock within one turn of the loop.
inline constexpr unsigned commands_per_clock_reading = 256;

/// What stands behind the class: whoever waits is in broker.cpp, what a holder does with its job and a keeper with a queue in commands.cpp.
struct broker::parts {
  parts(loop::event_loop& on, store::store& store, engine::engine_options limits)
      : loop{on},
        engine{without_bodies_on_disk_unless(store.reads_bodies(), limits)},
        held{on, store},
        from_disk{engine, store, store.reads_bodies() && limits.body_memory_max},
        ids{store},
        kept_in{store},
        parties{on},
        bell{on, [this] { return advance(); }} {
    engine.collect_changes(held.remembers());
    held.when_safe([this] {
      from_disk.more_is_safe();
      bell.set(next_deadline());
      if (more_is_safe) more_is_safe();
    });
    if (from_disk.on()) store.when_read([this](job_id job, result<body>&& content) { body_read(job, content); });
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

  /// After every command: what it decided for others, what must be remembered, when the engine must be called again.
  void follow_up(held_reply::cause why = held_reply::cause::command) {
    // Jobs that are due wait: their changes would be written while the file is still being read.
    if (restoring) return;
    if (engine.has_events()) deliver();
    if (held.remembers()) {
      engine.take_changes(changes);
      steps.append_to(changes);
      if (from_disk.on()) from_disk.note(changes);
      last_batch = std::max(held.keep(changes, engine, why), ids.batch_for(engine.last_id().value()));
      last_changes = held.kept_batch();
      if (from_disk.on()) {
        from_disk.went_with(held.last_kept());
        from_disk.follow_up();
      }
    }
    bell.set(next_deadline());
  }

  /// When it has to be looked after again, commands or none.
  [[nodiscard]] instant next_deadline() const { return from_disk.is_behind() ? loop.now() : engine.next_deadline(); }

  /// A put that the store could not write is refused before it runs: the engine cannot take it back.
  [[nodiscard]] bool cannot_be_kept(queue_id queue, const body& content) const {
    return content.size() > job_bytes_max && engine.options_of(queue).safety != engine::durability::memory;
  }

  /// A put that the disk has no room for is refused before it runs.
  [[nodiscard]] bool no_room_on_disk(queue_id queue) const {
    return kept_in.short_of_space() && engine.options_of(queue).safety != engine::durability::memory;
  }

  /// Said at once: what others have changed, and what may wait for room, is not its business.
  engine::put_answer refused_for_space() {
    last_batch = last_changes = 0;
    return {engine::put_status::refused, {}};
  }

  /// Logged once: nothing but a new data directory helps.
  void note_if_out_of_ids(const engine::put_answer& answer) {
    if (answer.status != engine::put_status::refused || engine.last_id() < job_id_max || out_of_ids_logged) return;
    out_of_ids_logged = true;
    log::error("job_ids_exhausted", "the highest job id has been given out; every put is refused",
               {{"job_id_max", std::to_string(job_id_max.value())}});
  }

  void deliver() {
    engine.take_events(events);
    for (auto& one : events) {
      if (one.what == engine::event::kind::put_admitted) steps.admitted(one.session);
      auto stay = parties.decide(std::move(one));
      gate.end(stay, loop.now());
    }
    events.clear();
  }

  instant advance() {
    engine.advance(now());
    from_disk.more_is_safe();
    follow_up(held_reply::cause::time);
    return next_deadline();
  }

  void body_read(job_id job, result<body>& content) {
    for (const auto who : from_disk.lookers(job)) {
      engine::event told;
      told.session = who;
      told.what = content ? engine::event::kind::shown : engine::event::kind::not_found;
      told.job.job = job;
      if (content) told.job.content = *content;
      parties.decide(std::move(told));
    }
    if (content) {
      engine.body_came(job, std::move(*content), now());
    } else {
      engine.body_lost(job, now());
    }
    follow_up();
  }

  /// Withdraws a wait whose coroutine was cancelled before anything was decided.
  void give_up(session_id session) {
    steps.withdrawn(session);
    auto stay = parties.withdraw(session);
    from_disk.look_no_more(session);
    gate.end(stay, loop.now());
    follow_up();
  }

  loop::event_loop& loop;
  engine::engine engine;
  engine::queue_options queue_defaults;
  held_reply held;
  bodies from_disk;
  id_lease ids;
  store::store& kept_in;
  const std::uint64_t job_bytes_max{kept_in.job_bytes_max()};
  store::batch_id last_batch{0};
  store::batch_id last_changes{0};
  waiting parties;
  admission gate;
  source_steps steps;
  std::vector<engine::event> events;
  engine::change_set changes;
  std::function<void()> put_away;
  std::function<void()> more_is_safe;
  unsigned commands{0};
  bool restoring{false};
  bool out_of_ids_logged{false};
  alarm bell;
};

}  // namespace millrace::broker
