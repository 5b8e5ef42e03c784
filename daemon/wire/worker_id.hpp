#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>

namespace millrace::wire {

/// Writes the id of a job as a value of JSON: a number, or a string above `worker_number_max`.
void append_worker_id(std::string& to, job_id id);
/// Reads the value of `key`, a number or a string. The text of an error is for the writer of the line.
[[nodiscard]] result<job_id> parse_worker_id(const boost::json::object& line, std::string_view key);

}  // namespace millrace::wire
