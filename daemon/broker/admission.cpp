#include "broker/admission.hpp"

#include <utility>

namespace millrace::broker {

std::optional<admission::hold> admission::after(const engine::put_answer& answer, instant now) noexcept {
  if (answer.status != engine::put_status::waiting) return std::nullopt;
  return begin(stage::put, now);
}

std::optional<admission::hold> admission::after(const engine::finish_answer& answer, instant now) noexcept {
  if (answer != engine::finish_status::waiting) return std::nullopt;
  return begin(stage::output, now);
}

void admission::end(std::optional<hold>& held, instant now) noexcept {
  if (const auto ended = std::exchange(held, std::nullopt)) at(ended->held_at).end(ended->began, now);
}

std::optional<admission::hold> admission::begin(stage held_at, instant now) noexcept {
  at(held_at).begin(now);
  return hold{held_at, now};
}

}  // namespace millrace::broker
