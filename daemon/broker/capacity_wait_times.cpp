#include "broker/capacity_wait_times.hpp"

#include <utility>

namespace millrace::broker {

std::optional<capacity_wait_times::wait> capacity_wait_times::begin_if_waiting(const engine::put_answer& answer,
                                                                               instant now) noexcept {
  if (answer.status != engine::put_status::waiting) return std::nullopt;
  return begin(stage::put, now);
}

std::optional<capacity_wait_times::wait> capacity_wait_times::begin_if_waiting(const engine::finish_answer& answer,
                                                                               instant now) noexcept {
  if (answer != engine::finish_status::waiting) return std::nullopt;
  return begin(stage::output, now);
}

void capacity_wait_times::end(std::optional<wait>& current, instant now) noexcept {
  if (const auto ended = std::exchange(current, std::nullopt)) of(ended->kind).end(ended->began, now);
}

std::optional<capacity_wait_times::wait> capacity_wait_times::begin(stage kind, instant now) noexcept {
  of(kind).begin(now);
  return wait{kind, now};
}

}  // namespace millrace::broker
