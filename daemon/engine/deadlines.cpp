#include "engine/deadlines.hpp"

#include <cassert>
#include <utility>

namespace millrace::engine {

namespace {

/// An owner is packed into one word, its kind above this many bits of its number: so one comparison puts owners in
/// order by kind, then by number.
constexpr unsigned number_bits = 60;

}  // namespace

void deadlines::set(heap_position& position, instant due, due_owner owner) {
  assert(owner.number >> number_bits == 0);
  const entry added{due, static_cast<std::uint64_t>(owner.kind) << number_bits | owner.number, &position};
  position == 0 ? heap_.push(added) : heap_.replace(position - 1, added);
}

void deadlines::clear(heap_position& position) noexcept {
  if (position != 0) heap_.remove(std::exchange(position, 0) - 1);
}

due_owner deadlines::first_owner() const noexcept {
  const std::uint64_t owner = heap_.first().owner;
  return {static_cast<due_kind>(owner >> number_bits), owner & ((std::uint64_t{1} << number_bits) - 1)};
}

}  // namespace millrace::engine
