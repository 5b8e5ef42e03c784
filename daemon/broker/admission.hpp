#pragma once

#include <optional>

#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "loop/backpressure.hpp"

namespace millrace::broker {

/// Measures how long sessions wait for capacity of a full queue: with a put, or with the output of a finished job.
/// Refusals and drops do not wait; the engine counts them.
///
/// Belongs to the broker. A session has at most one hold at a time (asserted).
class admission {
 public:
  enum class stage { put, output };
  /// One wait; kept with the waiting session and handed back when it ends.
  struct hold {
    stage held_at{stage::put};
    instant began{};
  };

  /// Begins a hold if the answer is `waiting`.
  [[nodiscard]] std::optional<hold> after(const engine::put_answer& answer, instant now) noexcept;
  [[nodiscard]] std::optional<hold> after(const engine::finish_answer& answer, instant now) noexcept;
  /// The session was admitted or withdrawn. Leaves `held` empty; does nothing if it is empty.
  void end(std::optional<hold>& held, instant now) noexcept;

  [[nodiscard]] const loop::backpressure& puts() const noexcept { return puts_; }
  [[nodiscard]] const loop::backpressure& outputs() const noexcept { return outputs_; }

 private:
  loop::backpressure& at(stage held_at) noexcept { return held_at == stage::put ? puts_ : outputs_; }
  std::optional<hold> begin(stage held_at, instant now) noexcept;

  loop::backpressure puts_;
  loop::backpressure outputs_;
};

}  // namespace millrace::broker
