#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::http {

/// What the daemon does.
enum class phase {
  starting,
  recovering,
  running,
  draining,
};

/// The readiness of the daemon, with the reason if it is not ready. The lifecycle sets it, and `/readyz` reads it.
///
/// Owned by the daemon. Loop thread only.
class readiness {
 public:
  [[nodiscard]] bool ready() const { return problem().empty(); }
  /// `starting`, `recovering`, `draining: ` or `refusing puts: ` with the reason, or the result of the watched check.
  /// Empty when ready.
  [[nodiscard]] std::string problem() const {
    if (!state_.empty()) return state_;
    if (!refusing_.empty()) return refusing_;
    return check_ ? check_() : std::string{};
  }

  [[nodiscard]] http::phase phase() const noexcept { return phase_; }
  /// Whether new work is refused: `become_draining` or `become_refusing` was called.
  [[nodiscard]] bool draining() const noexcept { return phase_ == http::phase::draining || !refusing_.empty(); }

  void become_recovering() { enter(http::phase::recovering, "recovering"); }
  void become_ready() {
    enter(http::phase::running, "");
    if (on_ready_) on_ready_();
  }
  /// Calls `on_ready` when the daemon has become ready.
  void when_ready(std::function<void()> on_ready) { on_ready_ = std::move(on_ready); }
  /// Calls `check` for each request. It returns the reason why the daemon is not ready, or an empty text.
  void watch(std::function<std::string()> check) { check_ = std::move(check); }
  /// The text is `draining: ` and the reason.
  void become_draining(const std::string& reason) { enter(http::phase::draining, "draining: " + reason); }
  /// Until the end, even if `become_ready` is called later. The text is `refusing puts: ` and the reason.
  void become_refusing(const std::string& reason) { refusing_ = "refusing puts: " + reason; }

 private:
  void enter(http::phase next, std::string problem) {
    phase_ = next;
    state_ = std::move(problem);
  }

  http::phase phase_{http::phase::starting};
  std::string state_{"starting"};
  std::string refusing_;
  std::function<std::string()> check_;
  std::function<void()> on_ready_;
};

}  // namespace millrace::http
