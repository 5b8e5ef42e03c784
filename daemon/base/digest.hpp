#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace millrace {

/// XXH3 (64 bits) over bytes that come in pieces of any length. Detects accidents, not attacks: other bytes with the
/// same value can be made on purpose. One thread at a time.
class digest {
 public:
  digest();
  digest(digest&&) noexcept = default;
  digest& operator=(digest&&) noexcept = default;
  ~digest() = default;

  void add(std::string_view bytes) noexcept;
  /// Of all bytes added so far; more may follow.
  [[nodiscard]] std::uint64_t value() const noexcept;
  /// As if nothing had been added.
  void reset() noexcept;

 private:
  struct free_state {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, free_state> state_;
};

}  // namespace millrace
