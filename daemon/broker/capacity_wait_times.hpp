#pragma once

#include <optional>

#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "loop/backpressure.hpp"

namespace millrace::broker {

/// Measures how long sessions wait until a full queue has capacity for a put, or for the output of a finished job. A
/// put that is refused, or admitted by a drop, does not wait and is not counted here.
///
/// Belongs to the broker; loop thread only. Requires: a session has at most one wait at a time.
class capacity_wait_times {
 public:
  enum class stage { put, output };
  /// One wait; stored with the waiting session and given back when it ends.
  struct wait {
    stage kind{stage::put};
    instant began{};
  };

  /// Begins a wait if the answer is `waiting`.
  [[nodiscard]] std::optional<wait> begin_if_waiting(const engine::put_answer& answer, instant now) noexcept;
  [[nodiscard]] std::optional<wait> begin_if_waiting(const engine::finish_answer& answer, instant now) noexcept;
  /// The session was admitted or withdrawn. Leaves `current` empty; does nothing if it is empty.
  void end(std::optional<wait>& current, instant now) noexcept;

  [[nodiscard]] const loop::backpressure& puts() const noexcept { return puts_; }
  [[nodiscard]] const loop::backpressure& outputs() const noexcept { return outputs_; }

 private:
  loop::backpressure& of(stage kind) noexcept { return kind == stage::put ? puts_ : outputs_; }
  std::optional<wait> begin(stage kind, instant now) noexcept;

  loop::backpressure puts_;
  loop::backpressure outputs_;
};

}  // namespace millrace::broker
