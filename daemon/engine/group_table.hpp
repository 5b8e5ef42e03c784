#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>

#include "engine/change.hpp"
#include "engine/deadlines.hpp"
#include "engine/durability.hpp"
#include "engine/group_facts.hpp"
#include "engine/group_outcome.hpp"

namespace millrace::engine {

/// A group and its members. `engine/groups.hpp` says what happens to it.
struct group {
  struct member {
    group_member end;  ///< `job` is set from the join on
    bool has_ended{false};
    bool is_late{false};  ///< it ended while the outcome was made, which does not show it
  };

  group_id id;
  group_facts facts;
  millrace::engine::durability durability{millrace::engine::durability::memory};
  session_id owner{};        ///< the session whose end closes it
  instant open_until{};      ///< of a group without an owner
  bool closed{false};        ///< also after the end, where members that are kept may still join
  bool touched{false};       ///< in `group_table::touched`
  bool restored{false};      ///< its members have not been compared with the jobs that came back
  bool may_continue{false};  ///< it was restored or released, and its producer may go on with it
  bool over{false};
  bool cancels{false};                          ///< members that have not ended are being cancelled
  std::unique_ptr<group_outcome> outcome_text;  ///< while it is made in steps
  bool outcome_waits{false};                    ///< for capacity of its queue
  bool outcome_refused{false};                  ///< it can never fit
  std::uint32_t next_cancelled{0};              ///< place of the next member to cancel
  std::vector<member> members;                  ///< by place; empty once the group is over
  std::uint64_t text_bytes{0};                  ///< of the members
  deadlines::heap_position deadline{0};

  [[nodiscard]] bool ended() const noexcept { return facts.state == group_state::ended; }
  [[nodiscard]] bool all_members_ended() const noexcept { return facts.ended == facts.members; }
  /// A put may join it: it is open, or it has ended and keeps what its producer still puts.
  [[nodiscard]] bool may_join() const noexcept {
    return !closed && !(ended() && facts.remaining == remaining_members::cancel);
  }
};

/// The groups by id. Ids rise and are not used again. Records stay in place while their group is here. A group is over
/// when it is closed, all members have ended and its outcome is put; the last `groups_ended_kept` of those stay.
/// Owned by the core of the engine; its thread. Finding one costs the logarithm of their number; those in use are found
/// at once.
class group_table {
 public:
  group_table() = default;
  group_table(const group_table&) = delete;
  group_table& operator=(const group_table&) = delete;

  group& add(group_id id, group_facts&& facts);
  /// nullptr when it is gone or never was.
  [[nodiscard]] group* find(group_id id) noexcept {
    group* const recent = recent_[recent_index(id)];
    return recent != nullptr && recent->id == id ? recent : find_in_map(id);
  }
  [[nodiscard]] const group* find(group_id id) const noexcept;
  /// The newest group of that name that a producer may continue; nullptr if there is none. Visits all groups at worst.
  [[nodiscard]] group* find_continuable(std::string_view name) noexcept;

  /// Moves the group to those that are over. Its members are forgotten.
  void set_over(group& ended);
  /// Removes the group that is over for the longest time; returns it. Requires: `over_count()` > 0.
  std::pair<group_id, durability> remove_oldest_over();
  [[nodiscard]] std::size_t over_count() const noexcept { return over_.size(); }
  /// Groups that are not over.
  [[nodiscard]] std::size_t size() const noexcept { return groups_.size() - over_.size(); }
  [[nodiscard]] bool is_over(std::string_view name) const { return !unfinished_.contains(name); }
  /// How many groups have come to be over.
  [[nodiscard]] std::uint64_t completed() const noexcept { return completed_; }

  std::uint64_t last{0};          ///< the highest id that was given out
  std::uint64_t text_bytes{0};    ///< of all members
  std::size_t in_progress{0};     ///< groups that cancel members or make their outcome, in later turns
  std::vector<group_id> touched;  ///< changed by the command at hand
  /// Places of members whose jobs will tell the outcomes of groups.
  std::set<std::pair<group_id, std::uint32_t>> outcome_places;

 private:
  /// Neighbours in time are neighbours in number, so groups in use have entries of their own here.
  static constexpr std::size_t recent_max = 64;

  group* find_in_map(group_id id) noexcept;
  [[nodiscard]] static std::size_t recent_index(group_id id) noexcept { return id.value() % recent_max; }

  std::map<group_id, group> groups_;
  std::array<group*, recent_max> recent_{};                     ///< found or added last, by `recent_index`; null: none
  std::map<std::string, std::size_t, std::less<>> unfinished_;  ///< groups by name that are not over
  std::deque<group_id> over_;                                   ///< the oldest first
  std::uint64_t completed_{0};
};

}  // namespace millrace::engine
