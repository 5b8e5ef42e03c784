#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/body.hpp>

#include "engine/group_facts.hpp"

namespace millrace::engine {

struct group;

/// What one step of an outcome writes, at most: members, and about so many bytes of texts. A step takes about a
/// millisecond.
inline constexpr std::size_t outcome_step_members = 2'000;
inline constexpr std::size_t outcome_step_bytes = std::size_t{512} * 1'024;

/// Makes the body of the job that tells how a group has ended, in steps: a JSON object of at most `bytes_max` bytes.
/// `{"group", "id", "ended": "all" | "first" | "first_failure", "jobs", "ok",
/// "members": [{"id", "outcome", "text" | "error", "cut"}, …], "members_left_out"}`. Members are in the order of the
/// puts. `cut` stands at texts that are not whole, `members_left_out` counts members for which there is no space. A
/// member that had not ended at the first step has the outcome `pending`.
///
/// Owned by its group. Each step takes the texts of the members that it has written out of the group, since nobody else
/// reads them.
class group_outcome {
 public:
  group_outcome(const group& ended, std::size_t bytes_max);

  /// False: not even the frame fits, and there is no outcome.
  [[nodiscard]] bool fits() const noexcept { return fits_; }
  /// Does one step. True: the outcome is complete. Requires: it was not complete before.
  bool advance(group& ended);
  /// Requires: it is complete.
  [[nodiscard]] body take() { return whole_.finish(); }

 private:
  void write_members(group& ended);
  void end_text();

  std::size_t bytes_max_;
  std::uint32_t members_;  ///< those that join later are not part of the outcome
  std::uint32_t place_{0};
  std::uint32_t written_{0};
  bool fits_{true};
  bool full_{false};  ///< the members that follow are left out
  bool is_text_complete_{false};
  std::size_t bytes_{0};  ///< of all pieces
  std::vector<std::string> pieces_;
  std::size_t next_piece_{0};  ///< to move into `whole_`
  body_in_progress whole_;
};

}  // namespace millrace::engine
