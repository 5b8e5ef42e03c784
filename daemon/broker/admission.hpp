#pragma once

#include <optional>

#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "loop/backpressure.hpp"

namespace millrace::broker {

/// Who stands before a full queue, and for how long: with a put, or with the output of a finished job. Who is refused or makes room by a
/// drop does not stand and is counted by the engine.
///
/// Belongs to the broker. A party stands at most once at a time (asserted).
class admission {
 public:
  enum class stage { put, output };
  /// One party's stay; kept by whoever waits and handed back when it ends.
  struct stay {
    stage where{stage::put};
    instant began{};
  };

  /// What an answer means: a stay begins when it is `waiting`.
  [[nodiscard]] std::optional<stay> after(const engine::put_answer& answer, instant now) noexcept;
  [[nodiscard]] std::optional<stay> after(const engine::finish_answer& answer, instant now) noexcept;
  /// Admitted or withdrawn. Leaves `held` empty; does nothing when it is.
  void end(std::optional<stay>& held, instant now) noexcept;

  [[nodiscard]] const loop::backpressure& puts() const noexcept { return puts_; }
  [[nodiscard]] const loop::backpressure& outputs() const noexcept { return outputs_; }

 private:
  loop::backpressure& at(stage where) noexcept { return where == stage::put ? puts_ : outputs_; }
  std::optional<stay> begin(stage where, instant now) noexcept;

  loop::backpressure puts_;
  loop::backpressure outputs_;
};

}  // namespace millrace::broker
