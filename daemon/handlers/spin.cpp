#include "handlers/spin.hpp"

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "handlers/length.hpp"

namespace millrace::handlers {

const options_of<spin_options>& spin_option_table() {
  static const auto table = options_of<spin_options>{}
                                .duration("length", &spin_options::length, {},
                                          "CPU time that every job burns; left out: as long as its body says.")
                                .example("20ms");
  return table;
}

namespace {

/// The only handler that looks at a clock: how long it computes is what it is for.
duration cpu_time_of_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

/// Some ten microseconds, so that reading the clock (a system call) is a small part of it.
std::uint64_t multiply_for_a_while(std::uint64_t value) {
  for (int round = 0; round < 10'000; ++round) value = value * 6364136223846793005u + 1442695040888963407u;
  return value;
}

class spinning : public offload::computation {
 public:
  spinning(duration length, body content) : left_{length}, content_{std::move(content)} {}

  offload::progress step() override {
    // Measured anew in each step: the next one may be on another thread.
    const duration began = cpu_time_of_this_thread();
    const duration wanted = std::min(left_, spin::step_length);
    duration burnt{0};
    while (burnt < wanted) {
      value_ = multiply_for_a_while(value_);
      burnt = cpu_time_of_this_thread() - began;
    }
    left_ -= burnt;
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
  const result<duration> length = length_ ? result<duration>{*length_} : length_in(work.content.view());
  if (!length) return length.error();
  return std::unique_ptr<offload::computation>{std::make_unique<spinning>(*length, work.content)};
}

}  // namespace millrace::handlers
