#include <millrace/base/body.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <stdexcept>

#include "base/background_free.hpp"

namespace millrace {

body::body(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > bytes_max) throw std::length_error{"a body of 4 GiB or more"};
  void* const memory = ::operator new(sizeof(block) + bytes.size());
  block_ = new (memory) block{.owners = 1, .bytes = static_cast<std::uint32_t>(bytes.size())};
  std::memcpy(static_cast<void*>(block_ + 1), bytes.data(), bytes.size());
}

bool body_in_progress::begin(std::size_t bytes) noexcept {
  assert(bytes <= body::bytes_max);
  whole_ = body{};
  size_ = filled_ = 0;
  if (bytes > 0) {
    void* const memory = ::operator new(sizeof(body::block) + bytes, std::nothrow);
    if (memory == nullptr) return false;
    whole_.block_ = new (memory) body::block{.owners = 1, .bytes = static_cast<std::uint32_t>(bytes)};
  }
  size_ = bytes;
  return true;
}

void body_in_progress::take(std::string_view& bytes) noexcept {
  const std::size_t taken = std::min(bytes.size(), missing());
  if (taken == 0) return;
  std::memcpy(reinterpret_cast<char*>(whole_.block_ + 1) + filled_, bytes.data(), taken);
  filled_ += taken;
  bytes.remove_prefix(taken);
}

body body_in_progress::finish() noexcept {
  assert(missing() == 0);
  size_ = filled_ = 0;
  return std::move(whole_);
}

// The last owner must see all that the others did with the bytes before they let go.
void body::release() noexcept {
  if (block_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::size_t bytes = sizeof(block) + block_->bytes;
  block_->~block();
  if (bytes >= background_free_bytes_min) return free_in_background(block_);
  ::operator delete(block_);
}

}  // namespace millrace
