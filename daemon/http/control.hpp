#pragma once

#include <string>

namespace millrace::http {

/// What HTTP knows of the daemon's life: whether it takes work, and if not, why. Written by the lifecycle, read by
/// `/readyz`; one thread, the loop's.
class control {
 public:
  [[nodiscard]] bool ready() const noexcept { return not_ready_because_.empty(); }
  /// `starting`, `draining: …`; empty when ready.
  [[nodiscard]] const std::string& not_ready_because() const noexcept { return not_ready_because_; }

  void become_ready() { not_ready_because_.clear(); }
  /// `why` goes on after `draining: `.
  void become_draining(const std::string& why) { not_ready_because_ = "draining: " + why; }

 private:
  std::string not_ready_because_{"starting"};
};

}  // namespace millrace::http
