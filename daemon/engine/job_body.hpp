#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

#include <millrace/base/body.hpp>

namespace millrace::engine {

/// What a body of that length takes of memory: its bytes, and about 24 for its head, the allocator's, and rounding.
[[nodiscard]] constexpr std::uint64_t memory_of_body(std::uint64_t bytes) noexcept {
  return bytes == 0 ? 0 : bytes + 24;
}

/// The body of a job; or, while it is on disk only, how long it is. A single word, because there are millions.
class job_body {
 public:
  job_body() noexcept = default;
  job_body(body content) noexcept : word_{content.detach()} {}
  [[nodiscard]] static job_body on_disk(std::uint32_t bytes) noexcept {
    job_body made;
    made.word_ = std::uintptr_t{bytes} << 1 | 1;
    return made;
  }
  job_body(job_body&& other) noexcept : word_{std::exchange(other.word_, 0)} {}
  job_body& operator=(job_body other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~job_body() {
    if (in_memory()) static_cast<void>(body::attach(word_));
  }

  [[nodiscard]] bool in_memory() const noexcept { return (word_ & 1) == 0; }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return in_memory() ? body_in_word{word_}.shared.size() : static_cast<std::uint32_t>(word_ >> 1);
  }
  /// Shares the bytes, which must be in memory (asserted).
  [[nodiscard]] body content() const noexcept {
    assert(in_memory());
    const body_in_word seen{word_};
    return seen.shared;
  }

 private:
  static_assert(sizeof(std::uintptr_t) == 8, "31 bits would not hold every length");
  /// The word seen as the body that it is, for a moment.
  struct body_in_word {
    explicit body_in_word(std::uintptr_t word) noexcept : shared{body::attach(word)} {}
    ~body_in_word() { static_cast<void>(shared.detach()); }
    body shared;
  };

  std::uintptr_t word_{0};
};

}  // namespace millrace::engine
