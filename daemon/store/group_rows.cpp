#include "store/group_rows.hpp"

#include <array>
#include <utility>

#include "store/row_checks.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

constexpr const char* group_table = "job_group";
constexpr const char* member_table = "group_member";

constexpr std::array group_columns{
    number_column{"id", 1, most_number},
    number_column{"state", 0, static_cast<std::int64_t>(engine::group_state::ended)},
    number_column{"ends_with", 0, static_cast<std::int64_t>(engine::group_end::first_failure)},
    number_column{"remaining", 0, static_cast<std::int64_t>(engine::remaining_members::cancel)},
    number_column{"opened_at", least_number, most_number},
    number_column{"members", 0, most_of_32_bits},
    number_column{"ended", 0, most_of_32_bits},
    number_column{"succeeded", 0, most_of_32_bits},
    number_column{"outcome_put", 0, 1},
    number_column{"outer_group", 0, most_number},
    number_column{"outer_place", 0, most_of_32_bits},
};
constexpr int name_column = group_columns.size();
constexpr int outcome_queue_column = name_column + 1;

constexpr std::array member_columns{
    number_column{"group_id", 1, most_number},
    number_column{"place", 0, most_of_32_bits},
    number_column{"job", 0, most_of_ids},
    number_column{"is_cut", 0, 1},
};
constexpr int outcome_column = member_columns.size();
constexpr int text_column = outcome_column + 1;

bool read_outcome(std::string_view text, engine::outcome& into) noexcept {
  for (std::size_t n = 0; n < engine::outcome_count; ++n) {
    into = static_cast<engine::outcome>(n);
    if (engine::name_of(into) == text) return true;
  }
  return false;
}

std::string key_of(std::uint64_t group, std::uint32_t place) {
  return std::to_string(group) + "/" + std::to_string(place);
}

}  // namespace

result<> read_group(sqlite::row_values& from, duration wall_offset, engine::kept_group& into) {
  std::array<std::int64_t, group_columns.size()> value{};
  for (std::size_t n = 0; n < value.size(); ++n) {
    const int column = static_cast<int>(n);
    if (read_in_range(from, column, group_columns[n], value[n])) continue;
    return bad_number(group_table, from, column, group_columns[n].name);
  }
  std::string_view name;
  std::string_view outcome_queue;
  if (!from.read_text(name_column, name)) return bad_row(group_table, from, "its name is not a text");
  if (!from.read_text(outcome_queue_column, outcome_queue)) {
    return bad_row(group_table, from, "its outcome_queue is not a text");
  }
  into.group = engine::group_id{static_cast<std::uint64_t>(value[0])};
  into.facts = {.name = std::string{name},
                .outcome_queue = std::string{outcome_queue},
                .state = static_cast<engine::group_state>(value[1]),
                .ends_with = static_cast<engine::group_end>(value[2]),
                .remaining = static_cast<engine::remaining_members>(value[3]),
                .opened_at = from_disk(value[4], wall_offset),
                .members = in_32_bits(value[5]),
                .ended = in_32_bits(value[6]),
                .succeeded = in_32_bits(value[7]),
                .outcome_put = value[8] != 0,
                .outer = engine::group_id{static_cast<std::uint64_t>(value[9])},
                .outer_place = in_32_bits(value[10])};
  into.ended.clear();
  return {};
}

result<> read_member(sqlite::row_values& from, member_row& into) {
  std::array<std::int64_t, member_columns.size()> value{};
  for (std::size_t n = 0; n < value.size(); ++n) {
    const int column = static_cast<int>(n);
    if (read_in_range(from, column, member_columns[n], value[n])) continue;
    return bad_number(member_table, from, column, member_columns[n].name);
  }
  into.group = engine::group_id{static_cast<std::uint64_t>(value[0])};
  into.place = in_32_bits(value[1]);
  into.member.job = job_id{static_cast<std::uint64_t>(value[2])};
  into.member.is_cut = value[3] != 0;
  std::string_view text;
  const auto fault = [&](std::string_view words) {
    return bad_row(member_table, key_of(into.group.value(), into.place), words);
  };
  if (!from.read_text(outcome_column, text)) return fault("its outcome is not a text");
  if (!read_outcome(text, into.member.result)) return fault("its outcome is unknown");
  if (!from.read_text(text_column, text)) return fault("its text is not a text");
  into.member.text = text;
  return {};
}

error group_missing(const member_row& member) {
  return bad_row(member_table, key_of(member.group.value(), member.place), "its group is not there");
}

result<> check_members(const engine::kept_group& group) {
  const auto fault = [&](const std::string& words) {
    return bad_row(group_table, std::to_string(group.group.value()), words);
  };
  const auto& facts = group.facts;
  if (facts.ended != group.ended.size()) {
    return fault("it says that " + std::to_string(facts.ended) + " members have ended, there are " +
                 std::to_string(group.ended.size()));
  }
  if (facts.ended > facts.members) return fault("more members have ended than it has");
  if (facts.succeeded > facts.ended) return fault("more members ended well than have ended");
  for (const auto& [place, member] : group.ended) {
    if (place >= facts.members) return fault("it has no place " + std::to_string(place));
  }
  return {};
}

result<> read_action(sqlite::row_values& from, action_row& into) {
  constexpr number_column number_range{"number", 0, most_number};
  std::int64_t number = 0;
  std::string_view description;
  if (!read_in_range(from, 0, number_range, number)) return bad_number("action", from, 0, number_range.name);
  if (!from.read_text(1, description)) return bad_row("action", from, "its description is not a text");
  into = {static_cast<std::uint64_t>(number), std::string{description}};
  return {};
}

result<> each_action(sqlite::connection& data, const std::function<void(action_row&&)>& on_action) {
  auto rows = data.prepare(action_query);
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return {};
    action_row action;
    if (const auto read = read_action(*rows, action); !read) return read;
    on_action(std::move(action));
  }
}

result<> group_cursor::begin() {
  auto groups = data_.prepare(group_query);
  if (!groups) return groups.error();
  auto members = data_.prepare(member_query);
  if (!members) return members.error();
  groups_ = std::move(*groups);
  members_ = std::move(*members);
  return next_member();
}

result<> group_cursor::next_member() {
  const auto more = members_->step();
  if (!more) return more.error();
  member_.reset();
  if (!*more) return {};
  member_row row;
  if (const auto read = read_member(*members_, row); !read) return read;
  member_ = std::move(row);
  return {};
}

result<group_cursor::step> group_cursor::next(engine::kept_group& into) {
  if (!groups_) {
    if (const auto begun = begin(); !begun) return begun.error();
  }
  text_bytes_ = 0;
  if (within_ && member_ && member_->group == into.group) {
    text_bytes_ = member_->member.text.size();
    into.ended.emplace_back(member_->place, std::move(member_->member));
    if (const auto next = next_member(); !next) return next.error();
    return step::member;
  }
  if (within_) {
    within_ = false;
    if (const auto agree = check_members(into); !agree) return agree.error();
    return step::group;
  }
  const auto more = groups_->step();
  if (!more) return more.error();
  if (*more) {
    if (const auto read = read_group(*groups_, wall_offset_, into); !read) return read.error();
    within_ = true;
  }
  if (member_ && (!*more || member_->group < into.group)) return group_missing(*member_);
  return *more ? step::member : step::end;
}

}  // namespace millrace::store
