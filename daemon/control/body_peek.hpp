#pragma once

#include <optional>

#include <millrace/base/body.hpp>
#include <millrace/loop/wait_point.hpp>

#include "control/context.hpp"

namespace millrace::control {

/// Reads the bodies of jobs, one after the other, from memory or disk.
///
/// Owned by one handler of a request, or one action. Loop thread only. It has a session of its own, which it closes.
class body_peek final : private broker::decision_taker {
 public:
  explicit body_peek(const context& context);
  ~body_peek();
  body_peek(const body_peek&) = delete;
  body_peek& operator=(const body_peek&) = delete;

  /// nullopt: the job is gone, or its body cannot be read.
  loop::awaitable<std::optional<body>> read(job_id job);

 private:
  void on_decision(broker::decision&& decision) noexcept override;

  broker::broker& broker_;
  session_id session_;
  loop::wait_point decided_;
  std::optional<body> content_;
  bool waiting_{false};
};

}  // namespace millrace::control
