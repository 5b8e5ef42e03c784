#include "store/lock_wait.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.hpp"

namespace millrace::store {

namespace {

using std::chrono::milliseconds;

/// Most locks are held for less than a millisecond; after some tries the holder is a slow one.
constexpr duration first_pause = std::chrono::microseconds{100};
constexpr duration longest_pause = milliseconds{50};
constexpr unsigned doublings = 9;

std::int64_t in_milliseconds(duration time) { return std::chrono::duration_cast<milliseconds>(time).count(); }

}  // namespace

wait_log::wait_log(std::string file, const char* doing, lock_wait_limits limits)
    : file_{std::move(file)}, doing_{doing}, limits_{limits} {}

void wait_log::waits() noexcept {
  if (!since_) since_.emplace();
  if (since_->elapsed() < limits_.log_after) return;
  if (logged_ && logged_->elapsed() < limits_.log_every) return;
  logged_.emplace();
  log::warning("store_locked", doing_, {{"file", file_}, {"waited_ms", in_milliseconds(waited())}});
}

void wait_log::end() noexcept {
  if (logged_) {
    log::info("store_unlocked", "the wait for a lock of the data file has ended",
              {{"file", file_}, {"waited_ms", in_milliseconds(waited())}});
  }
  since_.reset();
  logged_.reset();
}

lock_wait::lock_wait(std::string file, pause by, lock_wait_limits limits)
    : log_{std::move(file), "another connection or process holds a lock of the data file: waiting for it", limits},
      pause_{std::move(by)} {}

lock_wait::lock_wait(std::string file, lock_wait_limits limits) : lock_wait{std::move(file), {}, limits} {
  pause_ = [given_up_after = limits.give_up_after, since = std::optional<stopwatch>{}](duration time) mutable {
    // The first pause of a wait begins with the shortest time.
    if (!since || time == first_pause) since.emplace();
    if (since->elapsed() >= given_up_after) return false;
    std::this_thread::sleep_for(time);
    return true;
  };
}

bool lock_wait::wait() noexcept {
  log_.waits();
  const auto time = std::min(longest_pause, first_pause * (1u << std::min(tries_, doublings)));
  ++tries_;
  return pause_(time);
}

}  // namespace millrace::store
