#include "store/group_writer.hpp"

#include <string_view>
#include <utility>

#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

std::int64_t on_disk(std::uint64_t number) noexcept { return static_cast<std::int64_t>(number); }

}  // namespace

result<group_writer> group_writer::prepare(sqlite::connection& data) {
  group_writer made;
  const std::pair<sqlite::statement*, std::string_view> all[]{
      {&made.group_,
       "INSERT OR REPLACE INTO job_group(id, state, ends_with, remaining, opened_at, members, ended, succeeded, "
       "outcome_put, outer_group, outer_place, name, outcome_queue) "
       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
      {&made.remove_group_, "DELETE FROM job_group WHERE id = ?1"},
      {&made.member_,
       "INSERT OR REPLACE INTO group_member(group_id, place, job, is_cut, outcome, text) "
       "VALUES(?1, ?2, ?3, ?4, ?5, ?6)"},
      {&made.remove_members_, "DELETE FROM group_member WHERE group_id = ?1"},
      {&made.action_, "INSERT OR REPLACE INTO action(number, description) VALUES(?1, ?2)"},
      {&made.remove_action_, "DELETE FROM action WHERE number = ?1"},
  };
  for (const auto& [target, sql] : all) {
    auto one = data.prepare(sql);
    if (!one) return one.error();
    *target = std::move(*one);
  }
  return made;
}

result<> group_writer::write(const batch_groups& changes, duration wall_offset) {
  for (const auto& group : changes.groups()) {
    const auto done = group.gone ? remove(group.group) : write(group, wall_offset);
    if (!done) return done;
  }
  for (const auto& [number, description] : changes.actions()) {
    sqlite::statement& statement = description ? action_ : remove_action_;
    statement.bind(1, on_disk(number));
    if (description) statement.bind_text(2, *description);
    if (const auto done = statement.run(); !done) return done;
  }
  return {};
}

result<> group_writer::write(const batch_groups::changed_group& group, duration wall_offset) {
  if (group.facts) {
    const auto& facts = *group.facts;
    group_.bind(1, on_disk(group.group.value()));
    group_.bind(2, static_cast<std::int64_t>(facts.state));
    group_.bind(3, static_cast<std::int64_t>(facts.ends_with));
    group_.bind(4, static_cast<std::int64_t>(facts.remaining));
    group_.bind(5, to_disk(facts.opened_at, wall_offset));
    group_.bind(6, facts.members);
    group_.bind(7, facts.ended);
    group_.bind(8, facts.succeeded);
    group_.bind(9, facts.outcome_put ? 1 : 0);
    group_.bind(10, on_disk(facts.outer.value()));
    group_.bind(11, facts.outer_place);
    group_.bind_text(12, facts.name);
    group_.bind_text(13, facts.outcome_queue);
    if (const auto done = group_.run(); !done) return done;
  }
  for (const auto& [place, member] : group.ended) {
    member_.bind(1, on_disk(group.group.value()));
    member_.bind(2, place);
    member_.bind(3, on_disk(member.job.value()));
    member_.bind(4, member.is_cut ? 1 : 0);
    member_.bind_text(5, engine::name_of(member.result));
    member_.bind_text(6, member.text);
    if (const auto done = member_.run(); !done) return done;
  }
  return {};
}

result<> group_writer::remove(engine::group_id group) {
  for (sqlite::statement* const statement : {&remove_group_, &remove_members_}) {
    statement->bind(1, on_disk(group.value()));
    if (const auto done = statement->run(); !done) return done;
  }
  return {};
}

}  // namespace millrace::store
