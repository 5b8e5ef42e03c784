#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace millrace {

/// XXH3 (64 bits) of bytes that arrive in pieces. Detects accidents, not attacks: other bytes with the same value can
/// be constructed. One thread at a time.
class digest {
 public:
  digest();
  digest(digest&&) noexcept = default;
  digest& operator=(digest&&) noexcept = default;
  ~digest() = default;

  void add(std::string_view bytes) noexcept;
  /// The digest of all bytes added so far. More may follow.
  [[nodiscard]] std::uint64_t value() const noexcept;
  /// Starts again without any bytes.
  void reset() noexcept;

 private:
  struct free_state {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, free_state> state_;
};

}  // namespace millrace
