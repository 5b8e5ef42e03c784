#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

namespace millrace::loop {

/// The rows of a trace are grouped as "processes" of the format, in this order.
enum class trace_group : std::uint8_t { tasks = 1, threads, processes, store, jobs };

/// The beginning of a job's text, which is its name in the picture.
inline constexpr std::size_t trace_label_bytes_max = 32;

/// One event of a trace on its way to the file. All names are string literals, or belong to the trace.
struct trace_event {
  enum class kind : std::uint8_t {
    lane,   ///< `name` is the name of `lane` in `group`
    wait,   ///< a task waited for `name`
    work,   ///< a task, a thread or a process worked on a job: a `trace_work` says more
    span,   ///< the store wrote `batch`
    state,  ///< a job entered the state `name`; empty: it is gone
    mark    ///< `name` happened to a job
  };

  kind type{};
  trace_group group{};
  std::uint32_t lane{0};
  instant at{};
  duration length{0};
  std::string_view name;
  job_id job{};
  std::string_view queue;
  std::uint64_t batch{0};
};

/// What else is known of work.
struct trace_work {
  std::string_view outcome;  ///< how the attempt ended; empty: nothing is known of that
  std::string_view then;     ///< what became of the job
  std::uint32_t attempt{0};
  std::uint8_t label_size{0};
  bool label_is_cut{false};
  std::array<char, trace_label_bytes_max> label;  ///< only the first `label_size` bytes are set

  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): clearing `label` would cost more than the rest
  trace_work() noexcept {}
};

/// Events in their order. Most events are states of jobs. They carry nothing of work, so that they stay small.
struct trace_chunk {
  std::vector<trace_event> events;
  std::vector<trace_work> works;  ///< one for each event of that kind, in their order

  void clear() noexcept {
    events.clear();
    works.clear();
  }
};

}  // namespace millrace::loop
