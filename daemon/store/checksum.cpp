#include "store/checksum.hpp"

#include <xxhash.h>

namespace millrace::store {

std::int64_t checksum_of(job_id job, std::string_view body) noexcept {
  return static_cast<std::int64_t>(XXH3_64bits_withSeed(body.data(), body.size(), job.value()));
}

}  // namespace millrace::store
