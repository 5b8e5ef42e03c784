#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/sqlite.hpp"

/// Rows of groups, their members that have ended, and long actions as values; see rows.hpp. Since version 4.
namespace millrace::store {

inline constexpr std::string_view group_query =
    "SELECT id, state, ends_with, remaining, opened_at, members, ended, succeeded, outcome_put, outer_group, "
    "outer_place, name, outcome_queue FROM job_group ORDER BY id";
/// Leaves `into.ended` empty: members have rows of their own.
[[nodiscard]] result<> read_group(sqlite::row_values& from, duration wall_offset, engine::kept_group& into);

/// A member that has ended.
struct member_row {
  engine::group_id group{};
  std::uint32_t place{0};
  engine::group_member member{};
};
inline constexpr std::string_view member_query =
    "SELECT group_id, place, job, is_cut, outcome, text FROM group_member ORDER BY group_id, place";
[[nodiscard]] result<> read_member(sqlite::row_values& from, member_row& into);

/// The error of a member whose group is not there.
[[nodiscard]] error group_missing(const member_row& member);

/// Compares the counts in the row of a group with its members. A contradiction is an error.
[[nodiscard]] result<> check_members(const engine::kept_group& group);

struct action_row {
  std::uint64_t number{0};
  std::string description{};
};
inline constexpr std::string_view action_query = "SELECT number, description FROM action ORDER BY number";
[[nodiscard]] result<> read_action(sqlite::row_values& from, action_row& into);
[[nodiscard]] result<> each_action(sqlite::connection& data, const std::function<void(action_row&&)>& on_action);

/// All groups of the file with their members, in order of id. A step reads one row. Belongs to its connection, and ends
/// before it.
class group_cursor {
 public:
  group_cursor(sqlite::connection& data, duration wall_offset) noexcept : data_{data}, wall_offset_{wall_offset} {}

  enum class step { group, member, end };
  /// `group`: `into` is complete; it must stay the same object from one call to the next, and may be moved from.
  /// `member`: its own row, or one more of its members, was read. After an error or the end, the cursor must not be
  /// used again.
  [[nodiscard]] result<step> next(engine::kept_group& into);
  /// Of the text of the last member.
  [[nodiscard]] std::size_t text_bytes() const noexcept { return text_bytes_; }

 private:
  [[nodiscard]] result<> begin();
  [[nodiscard]] result<> next_member();

  sqlite::connection& data_;
  duration wall_offset_;
  std::optional<sqlite::statement> groups_, members_;
  bool within_{false};                ///< the group at hand may have more members
  std::optional<member_row> member_;  ///< the next one; none: at the end
  std::size_t text_bytes_{0};
};

}  // namespace millrace::store
