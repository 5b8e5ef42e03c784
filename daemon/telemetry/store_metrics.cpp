#include "telemetry/store_metrics.hpp"

namespace millrace::telemetry {

store_copy copy_stores(const std::vector<named_store>& stores, const shown_buckets& buckets) {
  store_copy copied;
  for (const auto& [name, counts_of] : stores) {
    const auto& counts = counts_of();
    auto& one = copied.stores.emplace_back();
    one.name = name;
    one.commit.add(counts.commit, buckets);
    one.commit_jobs = counts.commit_jobs;
    one.errors = counts.errors.value();
    one.bytes = counts.bytes;
    one.lag = counts.lag;
    one.free_bytes = counts.free_bytes;
    one.reserve_bytes = counts.reserve_bytes;
    one.ballast_bytes = counts.ballast_bytes;
  }
  return copied;
}

void write(exposition& page, const store_copy& stores) {
  page.family(family_kind::histogram, "millrace_store_commit_seconds",
              "From the first row of a batch until it was safe on disk.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.commit);
  page.family(family_kind::histogram, "millrace_store_commit_jobs", "Jobs that one commit wrote.");
  for (const auto& one : stores.stores)
    page.sample({{"store", one.name}}, store::size_distribution::upper, one.commit_jobs.counts(),
                one.commit_jobs.sum());
  page.family(family_kind::counter, "millrace_store_errors_total",
              "Failed attempts to commit, and bodies that could not be read.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.errors);
  page.family(family_kind::gauge, "millrace_store_bytes", "Bytes of the data file and of what its log holds.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.bytes);
  page.family(family_kind::gauge, "millrace_store_lag_seconds", "Age of the oldest change that is not on disk yet.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.lag);
  page.family(family_kind::gauge, "millrace_store_free_bytes",
              "Free bytes on the disk of the data directory, without the ballast, when they were last measured.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.free_bytes);
  page.family(family_kind::gauge, "millrace_store_disk_reserve_bytes",
              "Puts are refused while less than this is free, the ballast included.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.reserve_bytes);
  page.family(family_kind::gauge, "millrace_store_ballast_bytes",
              "Bytes of the file that is removed when the disk is full, to free space; 0 while it is removed.");
  for (const auto& one : stores.stores) page.sample({{"store", one.name}}, one.ballast_bytes);
}

}  // namespace millrace::telemetry
