#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::http {

/// The readiness of the daemon, with the reason if it is not ready. The lifecycle sets it, and `/readyz` reads it.
///
/// Owned by the daemon. Loop thread only.
class control {
 public:
  [[nodiscard]] bool ready() const { return problem().empty(); }
  /// `starting`, `recovering`, `draining: …`, `refusing puts: …`, or the result of the watched check. Empty when ready.
  [[nodiscard]] std::string problem() const {
    if (!state_.empty()) return state_;
    if (!refusing_.empty()) return refusing_;
    return check_ ? check_() : std::string{};
  }

  /// Whether new work is refused: `become_draining` or `become_refusing` was called.
  [[nodiscard]] bool draining() const { return state_.starts_with(draining_prefix) || !refusing_.empty(); }

  void become_recovering() { state_ = "recovering"; }
  void become_ready() { state_.clear(); }
  /// Calls `check` for each request. It returns the reason why the daemon is not ready, or an empty text.
  void watch(std::function<std::string()> check) { check_ = std::move(check); }
  /// The text is `draining: ` and the reason.
  void become_draining(const std::string& reason) { state_ = std::string{draining_prefix} + reason; }
  /// Until the end, even if `become_ready` is called later. The text is `refusing puts: ` and the reason.
  void become_refusing(const std::string& reason) { refusing_ = "refusing puts: " + reason; }

 private:
  static constexpr std::string_view draining_prefix = "draining: ";

  std::string state_{"starting"};
  std::string refusing_;
  std::function<std::string()> check_;
};

}  // namespace millrace::http
