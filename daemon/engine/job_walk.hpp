#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>

#include "engine/command.hpp"

/// Finding and changing many jobs, as plain values. A walk goes through the jobs of one queue that are in one state, in
/// the order in which they entered it, in steps. Jobs that enter the state after its begin are not part of it, so no
/// job is found twice, whatever comes and goes between two steps.
namespace millrace::engine {

/// A walk. Numbers rise from 1 and are not used again.
using cursor_id = id<struct cursor_tag>;

enum class cursor_owner {
  nobody,  ///< `cursors_max` bounds them: the least recently used one is forgotten for a new one
  caller,  ///< it stays until the caller closes it
};

enum class page_status {
  begun,     ///< the page that follows the last one
  repeated,  ///< the present page again: the jobs of it that are still there
  over,      ///< an earlier page, or one that is not next
  gone,      ///< the cursor was forgotten or closed, or its queue was removed
};

/// Which jobs a walk finds; all that a filter says must hold.
struct job_filter {
  instant entered_until{never};        ///< it entered its state no later
  std::uint64_t last_job{UINT64_MAX};  ///< its id is not greater
  std::optional<reason> cause{};       ///< why it was buried or dead-lettered
  std::string origin{};                ///< of a dead letter: the queue that it came from; empty: any
  std::string text{};                  ///< in its error, or in the first `searched_bytes_max` of its body; empty: any
};
/// Linear in both lengths, whatever they contain.
[[nodiscard]] bool contains_text(std::string_view bytes, std::string_view text) noexcept;
/// Bytes of one body that are searched, and of all bodies that one step searches: about a millisecond.
inline constexpr std::size_t searched_bytes_max = 1u << 20;
/// Jobs that one step looks at: a millisecond at most.
inline constexpr std::size_t jobs_per_step_max = 4'000;

/// What a step did.
struct walk_step {
  std::size_t seen{0};     ///< jobs that it looked at and passed
  std::size_t matched{0};  ///< of them
  std::size_t changed{0};  ///< of them
  /// The step ends before this job: its body is on disk and must be searched. The caller reads it, calls
  /// `engine::decide_body`, and goes on.
  job_id body_needed{};
  bool is_end{false};    ///< of the page or the walk
  bool has_next{false};  ///< there may be a next page
  bool is_gone{false};   ///< the cursor was forgotten or closed, or its queue was removed
};

/// A change of one job that is ready, delayed or buried.
struct job_change {
  enum class kind : std::uint8_t {
    redrive,       ///< ready again in `queue`, or in the queue it came from if that is empty; its error is forgotten
    move,          ///< into `queue`, with its state; a delayed job keeps its due time
    cancel,        ///< ended with the outcome `cancelled`
    erase,         ///< ended with the outcome `deleted`
    kick,          ///< a delayed or buried job becomes ready
    set_priority,  ///< to `priority`
  } type{kind::kick};
  std::string queue{};
  bool keep_counts{false};  ///< of a redrive: failures, interruptions and the times of failures go on
  millrace::engine::priority priority{default_priority};
};

enum class change_result {
  changed,
  not_found,        ///< there is no such job
  wrong_state,      ///< it is reserved, or the change has no meaning in its state
  no_origin,        ///< a redrive of a job that is no dead letter
  same_queue,       ///< it is in that queue already
  too_many_queues,  ///< the queue does not exist, and `queues_max` exist
  no_space,         ///< the job would come to disk, which is short of space
};

}  // namespace millrace::engine
