#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/counts.hpp"
#include "telemetry/exposition.hpp"

namespace millrace::telemetry {

/// A store and its name, which is the value of the label `store`.
struct named_store {
  std::string name;
  std::function<const store::sqlite_store_counts&()> counts;
};

/// A copy of the counts, made on the loop.
struct store_copy {
  struct values {
    std::string name;
    folded_histogram commit;
    store::size_distribution commit_jobs;
    std::uint64_t errors{0}, bytes{0}, free_bytes{0}, reserve_bytes{0}, ballast_bytes{0};
    duration lag{0};
  };
  std::vector<values> stores;
};

[[nodiscard]] store_copy copy_stores(const std::vector<named_store>& stores, const shown_buckets& buckets);

/// Any thread.
void write(exposition& page, const store_copy& stores);

}  // namespace millrace::telemetry
