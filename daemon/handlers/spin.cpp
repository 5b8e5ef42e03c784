#include "handlers/spin.hpp"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "handlers/body_duration.hpp"

namespace millrace::handlers {

const options_of<spin_options>& spin_option_table() {
  static const auto table = options_of<spin_options>{}
                                .duration("length", &spin_options::length, {},
                                          "CPU time that each job uses; without it, the body is the time.")
                                .example("20ms");
  return table;
}

namespace {

/// This is the only handler that reads a clock, since it computes for a given time.
duration cpu_time_of_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

/// About ten microseconds, so that reading the clock (a system call) is a small part of the time.
std::uint64_t multiply_for_a_while(std::uint64_t value) {
  for (int round = 0; round < 10'000; ++round) value = value * 6364136223846793005u + 1442695040888963407u;
  return value;
}

class spinning : public offload::computation {
 public:
  spinning(duration length, body content) : left_{length}, content_{std::move(content)} {}

  offload::progress step() override {
    // Each step has its own start time, since the next step may run on another thread.
    const duration started = cpu_time_of_this_thread();
    const duration wanted = std::min(left_, spin::step_length);
    duration used{0};
    while (used < wanted) {
      value_ = multiply_for_a_while(value_);
      used = cpu_time_of_this_thread() - started;
    }
    left_ -= used;
    return left_ > duration::zero() ? offload::progress::more : offload::progress::done;
  }

  result<std::string> take_result() override { return std::string{content_.view()}; }

 private:
  duration left_;
  volatile std::uint64_t value_{1};
  body content_;
};

}  // namespace

result<std::unique_ptr<offload::computation>> spin::begin(const job& work) {
  const result<duration> length = length_ ? result<duration>{*length_} : parse_body_as_duration(work.content.view());
  if (!length) return length.error();
  return std::unique_ptr<offload::computation>{std::make_unique<spinning>(*length, work.content)};
}

}  // namespace millrace::handlers
