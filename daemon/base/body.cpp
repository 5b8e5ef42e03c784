#include <millrace/base/body.hpp>

#include <cstring>
#include <new>
#include <stdexcept>

namespace millrace {

body::body(std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > bytes_max) throw std::length_error{"a body of 4 GiB or more"};
  void* const memory = ::operator new(sizeof(block) + bytes.size());
  block_ = new (memory) block{.owners = 1, .bytes = static_cast<std::uint32_t>(bytes.size())};
  std::memcpy(static_cast<void*>(block_ + 1), bytes.data(), bytes.size());
}

// The last owner must see all that the others did with the bytes before they let go.
void body::release() noexcept {
  if (block_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block_->~block();
  ::operator delete(block_);
}

}  // namespace millrace
