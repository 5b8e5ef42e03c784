#pragma once

#include <cstddef>
#include <string>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>

namespace millrace::workload {

/// A longer name is cut.
inline constexpr std::size_t job_name_bytes_max = 100;

/// The name of a job for people, in UTF-8 and without control characters. Empty where the job lacks a part of it: a
/// name decides nothing, so the job is not rejected for that.
[[nodiscard]] std::string job_name_of(const handlers::job_template& name, const handlers::job& job);

}  // namespace millrace::workload
