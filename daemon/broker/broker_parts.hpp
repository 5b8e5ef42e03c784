#pragma once

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "broker/admission.hpp"
#include "broker/alarm.hpp"
#include "broker/broker.hpp"
#include "broker/held_reply.hpp"
#include "broker/id_lease.hpp"
#include "broker/waiting.hpp"

namespace millrace::broker {

/// Commands between two readings of the clock within one turn of the loop.
inline constexpr unsigned commands_per_clock_reading = 256;

/// What stands behind the class: whoever waits is in broker.cpp, what a holder does with its job and a keeper with a queue in commands.cpp.
struct broker::parts {
  parts(loop::event_loop& on, store::store& store, engine::engine_options limits)
      : loop{on}, engine{limits}, held{on, store}, ids{store}, kept_in{store}, parties{on}, bell{on, [this] {
                                                                                                   return advance();
                                                                                                 }} {
    engine.collect_changes(held.remembers());
  }

  /// The time of the next command.
  instant now() {
    if (++commands % commands_per_clock_reading == 0) return loop.refresh_now();
    return loop.now();
  }

  /// After every command: what it decided for others, what must be remembered, when the engine must be called again.
  void follow_up() {
    if (engine.has_events()) deliver();
    if (held.remembers()) {
      engine.take_changes(changes);
      last_batch = std::max(held.keep(changes, engine), ids.batch_for(engine.last_id().value()));
    }
    bell.set(engine.next_deadline());
  }

  /// A put that the disk has no room for is refused before it runs.
  [[nodiscard]] bool no_room_on_disk(queue_id queue) const {
    return kept_in.short_of_space() && engine.options_of(queue).safety != engine::durability::memory;
  }

  /// Said at once: what others have changed, and what may wait for room, is not its business.
  engine::put_answer refused_for_space() {
    last_batch = 0;
    return {engine::put_status::refused, {}};
  }

  void deliver() {
    engine.take_events(events);
    for (auto& one : events) {
      auto stay = parties.decide(std::move(one));
      gate.end(stay, loop.now());
    }
    events.clear();
  }

  instant advance() {
    engine.advance(now());
    follow_up();
    return engine.next_deadline();
  }

  /// Withdraws a wait whose coroutine was cancelled before anything was decided.
  void give_up(session_id session) {
    auto stay = parties.withdraw(session);
    gate.end(stay, loop.now());
    follow_up();
  }

  loop::event_loop& loop;
  engine::engine engine;
  engine::queue_options queue_defaults;
  held_reply held;
  id_lease ids;
  store::store& kept_in;
  store::batch_id last_batch{0};
  waiting parties;
  admission gate;
  std::vector<engine::event> events;
  engine::change_set changes;
  std::function<void()> put_away;
  unsigned commands{0};
  alarm bell;
};

}  // namespace millrace::broker
