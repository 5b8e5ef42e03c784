#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace millrace {

/// The bytes of a job: immutable, reference-counted, one allocation of 8 bytes and the bytes themselves.
/// Copied once, where they come in; after that the queue, a worker thread and the store share them.
/// Copies may be made and dropped on any thread; the memory of one of 1 MiB and more is freed on a thread of its own. An empty body
/// allocates nothing.
class body {
 public:
  /// The largest body there can be: sizes are 32 bit.
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

  /// For whoever keeps it in a word of his own: an even number, 0 for an empty body. What was detached must be attached again, once.
  [[nodiscard]] std::uintptr_t detach() noexcept {
    return reinterpret_cast<std::uintptr_t>(std::exchange(block_, nullptr));
  }
  [[nodiscard]] static body attach(std::uintptr_t detached) noexcept {
    body owned;
    owned.block_ = reinterpret_cast<block*>(detached);
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

/// A body whose bytes come in pieces: its memory is taken once, when its size is known, and becomes the body. Nobody else sees it before.
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

  /// False: there is no memory for it. At most `body::bytes_max` (asserted). Forgets what was begun before.
  [[nodiscard]] bool begin(std::size_t bytes) noexcept;
  /// Takes what is missing off the front of `bytes`.
  void take(std::string_view& bytes) noexcept;
  [[nodiscard]] std::size_t missing() const noexcept { return size_ - filled_; }
  /// Nothing must be missing (asserted).
  [[nodiscard]] body finish() noexcept;

 private:
  body whole_;
  std::size_t size_{0};
  std::size_t filled_{0};
};

}  // namespace millrace
