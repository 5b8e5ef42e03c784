#include "tools/delivery_ledger.hpp"

#include <bit>
#include <string>

namespace millrace::tools {

namespace {

constexpr std::uint64_t bits = 64;

}  // namespace

std::uint64_t delivery_ledger::put(std::uint64_t count) {
  const std::uint64_t first = put_;
  put_ += count;
  const std::uint64_t words = (put_ + bits - 1) / bits;
  // The size doubles, so that a long run rarely copies.
  if (words > delivered_.size()) delivered_.resize(std::bit_ceil(words + 1));
  return first;
}

result<> delivery_ledger::note_delivered(std::uint64_t number) {
  if (number >= put_) return error{errc::invalid, "job " + std::to_string(number) + " was delivered but was never put"};
  auto& word = delivered_[number / bits];
  const std::uint64_t bit = std::uint64_t{1} << (number % bits);
  if ((word & bit) != 0) return error{errc::invalid, "job " + std::to_string(number) + " was delivered twice"};
  word |= bit;
  ++out_;
  return {};
}

result<> delivery_ledger::verify() const {
  if (inside() == 0) return {};
  std::uint64_t first = 0;
  while ((delivered_[first / bits] >> (first % bits) & 1) != 0) ++first;
  return error{errc::invalid, std::to_string(inside()) + " of " + std::to_string(put_) + " jobs were lost, job " +
                                  std::to_string(first) + " the first of them"};
}

}  // namespace millrace::tools
