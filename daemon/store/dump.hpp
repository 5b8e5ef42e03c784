#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

#include "store/data_directory.hpp"

/// A data directory as JSON Lines, and back. One object a line, distinguished by their first member. Counts that are 0
/// and other members that say nothing are absent, except in positions, and except the body of a job:
///
///   {"ids_up_to": N}               the highest id that may have been given out
///   {"groups_up_to": N}            the same of groups
///   {"paused": QUEUE, "until_ns": WALL (absent: until somebody ends it), "length_ns": N}
///   {"producer": NAME, "kind": NAME, "place": N, "checksum": N, "bodies": N}
///       how far the source of a producer was read
///   {"group": N, "name": TEXT, "state": "open" | "closed" | "ended", "ends_with": "all" | "first" | "first_failure",
///    "remaining": "keep" | "cancel", "opened_at_ns": WALL, "outcome_queue": QUEUE, "outcome_put": true,
///    "outer_group": N, "outer_place": N, "members": N, "ended": N, "succeeded": N}
///   {"member_of": GROUP, "place": N, "job": N, "outcome": NAME, "text": TEXT, "is_cut": true}
///       a member that has ended; it follows its group
///   {"id": N, "queue": QUEUE, "state": "ready" | "delayed" | "buried", "priority": N, "put_at_ns": WALL,
///    "due_at_ns": WALL (when delayed), "ttr_ns": N, "delay_ns": N, "deliveries": N, "timeouts": N, "releases": N,
///    "buries": N, "kicks": N, "failures": N, "interruptions": N, "laters": N, "handed_out": true, "reason": NAME,
///    "origin": QUEUE, "first_failure_at_ns": WALL, "last_failure_at_ns": WALL, "expires_at_ns": WALL, "group": N,
///    "group_place": N, "error": TEXT, "body": TEXT}
///       with "reserves" for "deliveries" and "due_ns" for "due_at_ns" in dumps of older versions
///   {"action": N, "description": TEXT}
///       a long action on many jobs, which goes on after a restart
///   {"lines": N, "xxh3": HEX}
///       the last one: the number of lines before it, and XXH3 (64 bits) of their bytes, newlines included
///
/// WALL is nanoseconds since 1970, UTC. What is no UTF-8 stands as base64 in `body_base64`, `error_base64` instead.
/// Groups come before jobs. Jobs come in order of id, then buried ones in the order in which they were buried.
namespace millrace::store {

/// Calls `on_line` for each line, without the newline at its end. An error that it returns ends the dump.
[[nodiscard]] result<> dump(const data_directory& from, const std::function<result<>(std::string_view line)>& on_line);

/// Whether a dump must end with the line that counts and hashes the others. Dumps of older versions have none.
enum class completeness { required, optional };

struct restored {
  std::uint64_t jobs{0};
  std::string remark;  ///< what was accepted because completeness is optional; else empty
};

/// Everything or nothing. The error names the line. Refused: a directory that has jobs. With `optional`, an unfinished
/// line at the end is left out.
[[nodiscard]] result<restored> restore(const data_directory& into, std::istream& lines, completeness wanted);

}  // namespace millrace::store
