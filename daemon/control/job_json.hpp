#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "control/context.hpp"

/// Jobs as JSON. The same names stand in every answer, in the tables of the command line and in a dump.
namespace millrace::control {

/// Bytes of a body that are shown.
inline constexpr std::size_t shown_body_bytes_max = 1u << 20;

/// `{id, queue, state, priority, bytes, put_at, age, deliveries, failures, interruptions, error, origin, reason,
/// held_by, held_since, due_at, group, …}`; what does not apply is left out.
[[nodiscard]] boost::json::object describe_job(const context& context, const engine::job_facts& job);

/// Adds `body`, or `body_base64` if it is not UTF-8, and `body_is_cut`: whether it is longer than `bytes_max`.
void add_body(boost::json::object& shown, std::string_view bytes, std::size_t bytes_max);

}  // namespace millrace::control
