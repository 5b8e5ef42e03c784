#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "store/desk.hpp"

namespace millrace::testing {

/// Jobs by id, and how often each was released.
using jobs_on_disk = std::map<std::uint64_t, std::uint32_t>;

/// The jobs that a store recovers.
inline jobs_on_disk found_by(store_desk& desk) {
  jobs_on_disk found;
  for (const auto& job : desk.recover().jobs) found[job.job.value()] = job.tally.releases;
  return found;
}

/// With these limits a short life copies the log and cuts the data file, as otherwise only a busy day does.
inline constexpr store::file_limits small_files{.log_pages = 24, .free_pages_most = 8, .free_pages_kept = 2};

/// A program's life with its store, always the same. It puts, releases and deletes jobs; the store copies its log
/// meanwhile, and cuts its files when most jobs are gone. Each step is one batch and waits until it is safe.
class short_life {
 public:
  /// `cut`: whether the files have been cut since the life began.
  short_life(store_desk& desk, std::function<bool()> cut) : desk_{desk}, cut_{std::move(cut)} {}

  /// Runs to the end, or to the first step after which the store has failed.
  void live() {
    for (std::uint64_t first = 1; first <= 13; first += 6) step([&] { put(first, 6); });
    step([&] { release(1, 18); });
    step([&] { erase(1, 8); });
    step([&] { erase(9, 6); });
    // While there are no further changes, the store cuts its files.
    if (failed()) return;
    desk_.until([&] { return cut_() || failed(); });
    step([&] { put(19, 2); });
    step([&] { release(15, 6), erase(17, 1); });
  }

  [[nodiscard]] bool failed() const { return !desk_.store->failure().empty(); }
  jobs_on_disk safe;  ///< acknowledged
  jobs_on_disk now;   ///< with the step that failed

 private:
  void step(const std::function<void()>& changes) {
    if (failed()) return;
    changes();
    desk_.until_durable(last_);
    if (desk_.store->durable_up_to() >= last_) safe = now;
  }
  void put(std::uint64_t first, std::uint64_t jobs) {
    for (auto id = first; id < first + jobs; ++id) {
      now[id] = 0;
      last_ = desk_.append(put_of(id, std::string(3'000, 'x')));
    }
  }
  void release(std::uint64_t first, std::uint64_t jobs) {
    for (auto id = first; id < first + jobs; ++id) {
      last_ = desk_.append(
          engine::job_moved{job_id{id}, queue_id{1}, engine::job_state::ready, 1, {}, {}, {.releases = ++now[id]}, {}});
    }
  }
  void erase(std::uint64_t first, std::uint64_t jobs) {
    for (auto id = first; id < first + jobs; ++id) {
      now.erase(id);
      last_ = desk_.append(gone_of(id));
    }
  }

  store_desk& desk_;
  std::function<bool()> cut_;
  store::batch_id last_{0};
};

}  // namespace millrace::testing
