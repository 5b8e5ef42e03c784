#include "engine/deadlines.hpp"

#include <cassert>
#include <utility>

namespace millrace::engine {

namespace {

constexpr unsigned number_bits = 60;

}  // namespace

void deadlines::set(place& at, instant due, due_owner owner) {
  assert(owner.number >> number_bits == 0);
  const entry added{due, static_cast<std::uint64_t>(owner.kind) << number_bits | owner.number, &at};
  at == 0 ? heap_.push(added) : heap_.replace(at - 1, added);
}

void deadlines::clear(place& at) noexcept {
  if (at != 0) heap_.remove(std::exchange(at, 0) - 1);
}

due_owner deadlines::first_owner() const noexcept {
  std::uint64_t const owner = heap_.first().owner;
  return {static_cast<due_kind>(owner >> number_bits), owner & ((std::uint64_t{1} << number_bits) - 1)};
}

}  // namespace millrace::engine
