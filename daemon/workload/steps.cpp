#include "workload/steps.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cassert>
#include <exception>
#include <utility>

#include <millrace/loop/deadline.hpp>

namespace millrace::workload {

steps::steps(loop::event_loop& loop, std::vector<step> all, std::uint32_t repeat)
    : loop_{loop}, all_{std::move(all)}, repeat_{repeat} {
  assert(!all_.empty());
}

duration steps::cancellation_length() const noexcept {
  duration longest{0};
  for (const auto& one : all_) longest = std::max(longest, one.handler.cancellation_length());
  return longest;
}

void steps::reopen_files() {
  for (auto& one : all_) one.handler.reopen_files();
}

bool steps::uses_processes() const noexcept {
  return std::ranges::any_of(all_, [](const step& one) { return one.handler.uses_processes(); });
}

void steps::release_handlers() noexcept {
  for (auto& one : all_) one.handler.release_handler();
}

loop::awaitable<attempt_result> steps::run(handlers::job work) {
  auto& first = all_.front().handler;
  const auto deadline = first.deadline();
  if (is_single()) return first.run(std::move(work), deadline);
  return run_all(std::move(work), deadline);
}

loop::awaitable<attempt_result> steps::run_all(handlers::job work, instant deadline) {
  const auto began = loop_.now();
  handlers::step_facts facts{.content = work.content, .rounds = repeat_};
  work.steps = &facts;
  bool has_result = false;
  unsigned in_turn = 0;
  for (; facts.round <= facts.rounds; ++facts.round) {
    for (std::size_t n = 0; n < all_.size(); ++n) {
      auto& one = all_[n];
      const unsigned share = one.handler.quick() ? 1 : quick_steps_per_turn;
      in_turn += share;
      if (in_turn > quick_steps_per_turn) {
        in_turn = share;
        co_await loop::yield(loop_);
      }
      facts.elapsed = loop_.now() - began;
      auto attempt = co_await run_one(one, work, deadline);
      if (attempt.outcome != engine::outcome::ok) {
        if (attempt.outcome != engine::outcome::cancelled)
          attempt.error_text = name_of(n, facts.round) + ": " + attempt.error_text;
        co_return attempt;
      }
      if (attempt.content) {
        work.content = std::move(*attempt.content);
        has_result = true;
      }
    }
  }
  attempt_result last;
  if (has_result) last.content = std::move(work.content);
  co_return last;
}

/// Its result is a `content`, or none.
loop::awaitable<attempt_result> steps::run_one(step& one, const handlers::job& work, instant deadline) {
  attempt_result attempt;
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) {
    attempt.outcome = engine::outcome::cancelled;
    co_return attempt;
  }
  // No deadline fires while quick steps hold the loop.
  if (deadline != never && loop_.refresh_now() >= deadline) co_return one.handler.too_late();
  if (one.handler.quick()) {
    attempt = one.handler.run_now(work);
  } else {
    auto running = one.handler.run(work, deadline);
    attempt = co_await std::move(running);
  }
  if (attempts::needs_thread(attempt)) {
    co_await one.handler.copy_on_thread(attempt);
  } else if (attempt.text) {
    try {
      attempt.content = body{*attempt.text};
    } catch (const std::exception& exception) {
      attempt.outcome = engine::outcome::failed;
      attempt.error_text = std::string{"its answer cannot be kept: "} + exception.what();
    }
    attempt.text.reset();
  }
  co_return attempt;
}

std::string steps::name_of(std::size_t index, std::uint64_t round) const {
  auto name = "step " + std::to_string(index + 1) + " (" + all_[index].kind + ")";
  return repeat_ == 1 ? name : name + ", round " + std::to_string(round);
}

}  // namespace millrace::workload
