#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/core.hpp"

/// What the functions on groups share.
namespace millrace::engine {

/// The store has the group.
[[nodiscard]] inline bool is_recorded(const group& of) noexcept { return of.durability != durability::memory; }

/// The place that an outer group keeps for the outcome of a group.
[[nodiscard]] inline std::pair<group_id, std::uint32_t> place_of_outcome(const group_facts& facts) noexcept {
  return {facts.outer, facts.outer_place};
}

/// The end of the command looks at the group, and records it.
void touch(core& core, group& changed);
/// The deadline of the group follows its state.
void set_deadline(core& core, group& of);
void set_closed(core& core, group& closed);
/// Requires: the member has not ended.
void end_member(core& core, group& of, std::uint32_t place, outcome result, std::string_view text);

}  // namespace millrace::engine
