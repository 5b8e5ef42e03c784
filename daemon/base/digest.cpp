#include "base/digest.hpp"

#include <xxhash.h>

#include <new>

namespace millrace {

namespace {

XXH3_state_t* typed(void* state) noexcept { return static_cast<XXH3_state_t*>(state); }

}  // namespace

digest::digest() : state_{XXH3_createState()} {
  if (!state_) throw std::bad_alloc{};
  reset();
}

void digest::add(std::string_view bytes) noexcept {
  XXH3_64bits_update(typed(state_.get()), bytes.data(), bytes.size());
}

std::uint64_t digest::value() const noexcept { return XXH3_64bits_digest(typed(state_.get())); }

void digest::reset() noexcept { XXH3_64bits_reset(typed(state_.get())); }

void digest::free_state::operator()(void* state) const noexcept { XXH3_freeState(typed(state)); }

}  // namespace millrace
