#pragma once

#include <cstddef>
#include <string>

#include "engine/group_table.hpp"

namespace millrace::engine {

/// The body of the job that tells how a group has ended: a JSON object of at most `bytes_max` bytes.
/// `{"group", "id", "ended": "all" | "first" | "first_failure", "jobs", "ok", "members": [{"id", "outcome", "text" |
/// "error", "cut"}, …], "members_left_out"}`. Members are in the order of the puts. `cut` stands at texts that are not
/// whole, `members_left_out` counts members for which there is no space. A member that has not ended has the outcome
/// `pending`. Empty: not even the frame fits.
[[nodiscard]] std::string text_of_outcome(const group& ended, std::size_t bytes_max);

}  // namespace millrace::engine
