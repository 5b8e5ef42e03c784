#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "loop/trace_lane.hpp"
#include "offload/worker_request.hpp"

namespace millrace::offload {

/// The jobs that one worker process has. Few, so that a list is enough. Owned by the worker; loop thread only.
class worker_jobs {
 public:
  struct held_job {
    job_id id{};
    worker_request* request{nullptr};  ///< null: it was abandoned, and its answer is dropped
    instant due{never};                ///< of an abandoned one: when the process is ended
    duration work{0};                  ///< expected
    instant taken_at{};
    loop::trace_lane submitter{};  ///< while a trace runs
  };

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  /// `size()`: the worker does not have the job.
  [[nodiscard]] std::size_t index_of(job_id job) const noexcept {
    return static_cast<std::size_t>(std::ranges::find(all_, job, &held_job::id) - all_.begin());
  }
  [[nodiscard]] held_job& operator[](std::size_t index) noexcept { return all_[index]; }
  /// The sum of what is expected.
  [[nodiscard]] duration work() const noexcept { return work_; }
  /// When the first abandoned job must be answered.
  [[nodiscard]] instant first_due() const noexcept {
    instant first = never;
    for (const held_job& job : all_) first = std::min(first, job.due);
    return first;
  }

  [[nodiscard]] bool all_abandoned() const noexcept {
    return std::ranges::all_of(all_, [](const held_job& job) { return job.request == nullptr; });
  }

  void add(held_job job) {
    work_ += job.work;
    all_.push_back(job);
  }
  void remove(std::size_t index) {
    work_ -= all_[index].work;
    all_[index] = all_.back();
    all_.pop_back();
  }

 private:
  std::vector<held_job> all_;
  duration work_{0};
};

}  // namespace millrace::offload
