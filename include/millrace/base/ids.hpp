#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace millrace {

/// A number that names one kind of thing. Ids of different kinds do not mix: a `job_id` is no `session_id`.
/// Zero names nothing. Ids of jobs and tasks rise from 1; those of queues and sessions are a slot and its generation.
template <class Tag, class Number = std::uint64_t>
class id {
 public:
  using number_type = Number;

  constexpr id() noexcept = default;
  constexpr explicit id(Number value) noexcept : value_{value} {}

  [[nodiscard]] constexpr Number value() const noexcept { return value_; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return value_ != 0; }

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 of a defaulted comparison for a pointer
  friend constexpr auto operator<=>(id, id) noexcept = default;

 private:
  Number value_{0};
};

/// A job, from its put to its end. An id is never used again while the data directory exists.
using job_id = id<struct job_tag>;
/// The highest id of a job, because the engine packs an id and four bits into one word, and the integers of SQLite are
/// signed. Checked where ids are assigned and where jobs are read from outside the process.
inline constexpr job_id job_id_max{(std::uint64_t{1} << 60) - 1};
/// A queue while the program runs. Settings and the protocol use names instead.
using queue_id = id<struct queue_tag, std::uint32_t>;
/// A client of the engine: a connection, a producer, or one slot of a consumer.
using session_id = id<struct session_tag>;
/// A coroutine spawned on the loop.
using task_id = id<struct task_tag>;

}  // namespace millrace

template <class Tag, class Number>
struct std::hash<millrace::id<Tag, Number>> {
  [[nodiscard]] std::size_t operator()(millrace::id<Tag, Number> id) const noexcept {
    return std::hash<Number>{}(id.value());
  }
};
