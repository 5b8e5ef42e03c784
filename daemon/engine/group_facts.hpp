#pragma once

#include <cstdint>
#include <string>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "engine/durability.hpp"

/// A group is a set of jobs that are awaited together. Members join until it is closed. It ends once, when its
/// `group_end` says so. Then it puts one job with the outcomes of all members into `outcome_queue`: in the same change,
/// or later if it cancels its remaining members first, if the outcome is large (engine/group_outcome.hpp) or if that
/// queue is full.
namespace millrace::engine {

enum class group_state : std::uint8_t { open, closed, ended };

/// When a group ends. A retry is no end of a member; its burial, dead letter, deletion, cancellation, expiry and drop
/// are.
enum class group_end : std::uint8_t {
  all,           ///< it is closed and all members have ended
  first,         ///< the first member ended well; or it is closed and all have failed
  first_failure  ///< the first member failed; or it is closed and all have ended well
};

/// What happens to members that have not ended when the group ends.
enum class remaining_members : std::uint8_t { keep, cancel };

struct group_facts {
  std::string name{};
  std::string outcome_queue{};  ///< empty: nothing is put
  group_state state{group_state::open};
  group_end ends_with{group_end::all};
  remaining_members remaining{remaining_members::keep};
  instant opened_at{};
  std::uint32_t members{0};    ///< that have joined
  std::uint32_t ended{0};      ///< of them
  std::uint32_t succeeded{0};  ///< of those that ended
  bool outcome_put{false};     ///< the job with the outcome is in its queue
  group_id outer{};            ///< the job with the outcome is a member of that group
  std::uint32_t outer_place{0};

  friend bool operator==(const group_facts&, const group_facts&) = default;
};

struct group_request {
  std::string name{};
  std::string outcome_queue{};  ///< empty: no outcome is put
  group_end ends_with{group_end::all};
  remaining_members remaining{remaining_members::keep};
  /// At least that of the outcome queue. Members of more durable queues lose their group in a crash.
  millrace::engine::durability durability{millrace::engine::durability::memory};
  group_id outer{};  ///< the job with the outcome becomes a member of that group; it keeps a place from now on
};

/// How a member ended. `text` is the result of an `ok` member, else its error; cut at `group_text_bytes_max`.
struct group_member {
  job_id job{};
  outcome result{outcome::ok};
  std::string text{};
  bool is_cut{false};

  friend bool operator==(const group_member&, const group_member&) = default;
};

inline constexpr std::size_t group_text_bytes_max = std::size_t{64} * 1'024;
inline constexpr std::size_t group_outcome_bytes_max = std::size_t{16} * 1'024 * 1'024;

}  // namespace millrace::engine
