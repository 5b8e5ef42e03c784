#pragma once

#include <functional>
#include <string>
#include <utility>

namespace millrace::http {

/// What HTTP knows of the daemon's life: whether it takes work, and if not, why. Written by the lifecycle, read by
/// `/readyz`; one thread, the loop's.
class control {
 public:
  [[nodiscard]] bool ready() const { return not_ready_because().empty(); }
  /// `starting`, `recovering`, `draining: …`, `refusing puts: …`, what `trouble` says; empty when ready.
  [[nodiscard]] std::string not_ready_because() const {
    if (!not_ready_because_.empty()) return not_ready_because_;
    if (!refusing_because_.empty()) return refusing_because_;
    return trouble_ ? trouble_() : std::string{};
  }

  /// What was kept is being read; how much there is of it, nobody knows.
  void become_recovering() { not_ready_because_ = "recovering"; }
  void become_ready() { not_ready_because_.clear(); }
  /// Asked whenever somebody looks: what keeps it from taking work, empty if nothing does.
  void watch(std::function<std::string()> trouble) { trouble_ = std::move(trouble); }
  /// `why` goes on after `draining: `.
  void become_draining(const std::string& why) { not_ready_because_ = "draining: " + why; }
  /// Clients' puts are refused to the end, also after a start that comes later. `why` goes on after `refusing puts: `.
  void become_refusing(const std::string& why) { refusing_because_ = "refusing puts: " + why; }

 private:
  std::string not_ready_because_{"starting"};
  std::string refusing_because_;
  std::function<std::string()> trouble_;
};

}  // namespace millrace::http
