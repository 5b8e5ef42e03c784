#pragma once

#include <cstdint>
#include <string_view>

#include <millrace/base/ids.hpp>

namespace millrace::store {

/// The checksum that stands beside a body in the data file: XXH3 with 64 bits, the job's id as its seed, stored as a
/// signed number. The seed makes the intact body of another job a mismatch as well.
[[nodiscard]] std::int64_t checksum_of(job_id job, std::string_view body) noexcept;

}  // namespace millrace::store
