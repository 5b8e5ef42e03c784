#pragma once

#include <cstdint>
#include <limits>

#include "store/store.hpp"

namespace millrace::testing {

/// A store that is not persistent, on a disk whose free space the test sets.
class full_disk_store final : public store::store {
 public:
  explicit full_disk_store(std::uint64_t largest_job_on_disk = std::numeric_limits<std::uint64_t>::max())
      : largest_job{largest_job_on_disk} {}

  millrace::store::batch_id append(engine::change_set& changes) override {
    changes.clear();
    return 0;
  }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return 0; }
  [[nodiscard]] bool is_persistent() const override { return false; }
  [[nodiscard]] bool has_failed() const override { return failed; }
  [[nodiscard]] std::uint64_t job_bytes_max() const override { return largest_job; }
  [[nodiscard]] bool short_of_space(std::uint64_t put_bytes) const override {
    return failed || free_bytes == 0 || put_bytes > free_bytes;
  }

  std::uint64_t free_bytes{std::numeric_limits<std::uint64_t>::max()};
  std::uint64_t largest_job;  ///< the broker asks once, at its start
  bool failed{false};
};

}  // namespace millrace::testing
