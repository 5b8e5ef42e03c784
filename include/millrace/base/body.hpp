#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace millrace {

/// The bytes of a job: immutable and reference-counted, in one allocation with a head of 8 bytes. They are copied once,
/// when they arrive. After that the queue, a worker thread and the store share them. An empty body allocates nothing.
///
/// Copies may be made and destroyed on any thread. A body of 1 MiB or more is freed on a background thread.
class body {
 public:
  /// The largest possible body: sizes have 32 bits.
  static constexpr std::size_t bytes_max = 0xFFFF'FFFFu;

  body() noexcept = default;
  /// Copies `bytes`. Throws std::length_error beyond `bytes_max`, std::bad_alloc without memory.
  explicit body(std::string_view bytes);
  body(const body& other) noexcept : block_{other.block_} {
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  body(body&& other) noexcept : block_{std::exchange(other.block_, nullptr)} {}
  body& operator=(body other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~body() {
    if (block_ != nullptr) release();
  }

  [[nodiscard]] std::string_view view() const noexcept {
    if (block_ == nullptr) return {};
    return {reinterpret_cast<const char*>(block_ + 1), block_->bytes};
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return block_ == nullptr ? 0 : block_->bytes; }

  /// Gives up ownership to a caller that stores the body in one word: an even number, 0 for an empty body. The caller
  /// must pass the number to `attach` exactly once.
  [[nodiscard]] std::uintptr_t detach() noexcept {
    return reinterpret_cast<std::uintptr_t>(std::exchange(block_, nullptr));
  }
  [[nodiscard]] static body attach(std::uintptr_t detached) noexcept {
    body owned;
    owned.block_ = reinterpret_cast<block*>(detached);  // NOLINT(performance-no-int-to-ptr): `detach` made the number
    return owned;
  }

 private:
  friend class body_in_progress;
  struct block {
    std::atomic<std::uint32_t> owners;
    std::uint32_t bytes;
  };

  void release() noexcept;

  block* block_{nullptr};
};

/// A body whose bytes arrive in pieces. Its memory is allocated once, when the size is known, and becomes the body.
/// Owned by one reader; one thread at a time.
class body_in_progress {
 public:
  body_in_progress() noexcept = default;
  body_in_progress(body_in_progress&& other) noexcept
      : whole_{std::move(other.whole_)},
        size_{std::exchange(other.size_, 0)},
        filled_{std::exchange(other.filled_, 0)} {}
  body_in_progress& operator=(body_in_progress other) noexcept {
    std::swap(whole_, other.whole_);
    std::swap(size_, other.size_);
    std::swap(filled_, other.filled_);
    return *this;
  }
  ~body_in_progress() = default;

  /// False: out of memory. Discards a body that was begun before. Requires: `bytes` <= `body::bytes_max`.
  [[nodiscard]] bool begin(std::size_t bytes) noexcept;
  /// Moves the missing bytes, as far as they are there, from the front of `bytes` into the body.
  void take(std::string_view& bytes) noexcept;
  [[nodiscard]] std::size_t missing() const noexcept { return size_ - filled_; }
  /// Requires: `missing()` is 0.
  [[nodiscard]] body finish() noexcept;

 private:
  body whole_;
  std::size_t size_{0};
  std::size_t filled_{0};
};

}  // namespace millrace
