#include "store/checksum.hpp"

#include <xxhash.h>

#include <string>

namespace millrace::store {

std::int64_t checksum_of(job_id job, std::string_view body) noexcept {
  return static_cast<std::int64_t>(XXH3_64bits_withSeed(body.data(), body.size(), job.value()));
}

error damaged_body(job_id job) {
  return invalid("row " + std::to_string(job.value()) + " of table job: its body differs from its checksum");
}

}  // namespace millrace::store
