#include "store/bulk_load.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "store/group_rows.hpp"
#include "store/options.hpp"

namespace millrace::store {

namespace {

/// Jobs and bytes that are gathered before they are made into rows.
constexpr std::size_t jobs_at_once = 4'096;
constexpr std::uint64_t bytes_at_once = 16ull << 20;

error out_of_range(std::uint64_t id) {
  return invalid("id " + std::to_string(id) + " is out of range: the highest is " + std::to_string(job_id_max.value()));
}

}  // namespace

result<bulk_load> bulk_load::begin(const data_directory& directory) {
  auto data = open_data_file(directory, nullptr);
  if (!data) return data.error();
  const auto there = data->number("SELECT count(*) FROM (SELECT 1 FROM job LIMIT 1)");
  if (!there) return damage(directory, there.error());
  if (*there != 0) return error{errc::refused, directory.path() + ": there are jobs in it"};
  auto rows = batch_rows::prepare(*data);
  if (!rows) return damage(directory, rows.error());
  // One transaction for all, which a connection that is closed rolls back.
  const auto begun = data->run(
      "BEGIN IMMEDIATE; DELETE FROM queue; DELETE FROM job_history; DELETE FROM job_group; DELETE FROM group_member; "
      "DELETE FROM action");
  if (!begun) return damage(directory, begun.error());
  return bulk_load{directory, std::move(*data), std::move(*rows)};
}

result<> bulk_load::add(engine::kept_job&& job, std::string_view queue) {
  if (!job.job || job.job > job_id_max) return out_of_range(job.job.value());
  if (job.request.content.size() + job.error_text.size() > kept_job_bytes_max) {
    return invalid("its body is larger than that of a job on disk can be");
  }
  if (!ids_.insert(job.job.value()).second) {
    return invalid("job " + std::to_string(job.job.value()) + " comes a second time");
  }
  const std::uint64_t bury_sequence = job.state == engine::job_state::buried ? ++last_bury_sequence_ : 0;
  // Two changes that fold into one row: a put does not say what has happened to the job since.
  engine::job_moved now{.job = job.job,
                        .queue = {},
                        .state = job.state,
                        .priority = job.request.priority,
                        .delay = job.request.delay,
                        .due = job.due,
                        .tally = job.tally,
                        .error_text = std::move(job.error_text),
                        .handed_out = job.handed_out,
                        .details = std::move(job.details)};
  const auto number = number_of(queue);
  open_.put({.job = job.job,
             .queue = {},
             .state = job.state,
             .request = std::move(job.request),
             .put_at = job.put_at,
             .due = job.due,
             .error_text = {}},
            number, bury_sequence);
  open_.move(std::move(now), number, bury_sequence, false);
  return open_.jobs() < jobs_at_once && open_.bytes() < bytes_at_once ? result<>{} : write();
}

result<> bulk_load::mark_ids(std::uint64_t up_to) {
  if (up_to > job_id_max.value()) return out_of_range(up_to);
  open_.mark_ids(up_to);
  return {};
}

result<> bulk_load::pause(std::string_view queue, instant until, duration length) {
  open_.set_pause(number_of(queue), until, length);
  return {};
}

result<> bulk_load::add_position(kept_position&& position) {
  const auto [known, is_new] = sources_.try_emplace(position.source.producer, position.source);
  if (!is_new) return invalid("producer " + position.source.producer + " comes a second time");
  open_.set_position(known->second, position.at);
  return {};
}

result<> bulk_load::add_group(engine::kept_group&& group) {
  if (const auto ended = end_group(); !ended) return ended;
  if (!groups_.insert(group.group.value()).second) {
    return invalid("group " + std::to_string(group.group.value()) + " comes a second time");
  }
  group_ = group;
  open_.groups.change({.group = group.group, .facts = std::move(group.facts)});
  return open_.bytes() < bytes_at_once ? result<>{} : write();
}

result<> bulk_load::add_member(engine::group_id group, std::uint32_t place, engine::group_member&& member) {
  if (!group_.group || group != group_.group) return invalid("its group does not precede it");
  if (!group_.ended.empty() && group_.ended.back().first >= place) return invalid("its place does not rise");
  group_.ended.emplace_back(place, engine::group_member{});
  open_.groups.end_member({.group = group, .place = place, .member = std::move(member)});
  return open_.bytes() < bytes_at_once ? result<>{} : write();
}

void bulk_load::cut_group() {
  if (!group_.group || group_.facts.ended == group_.ended.size()) return;
  group_.facts.ended = static_cast<std::uint32_t>(group_.ended.size());
  group_.facts.succeeded = std::min(group_.facts.succeeded, group_.facts.ended);
  open_.groups.change({.group = group_.group, .facts = group_.facts});
}

/// No more members of the last group follow.
result<> bulk_load::end_group() {
  const auto group = std::exchange(group_, {});
  return group.group ? check_members(group) : result<>{};
}

result<> bulk_load::add_action(std::uint64_t number, std::string description) {
  if (!actions_.insert(number).second) return invalid("action " + std::to_string(number) + " comes a second time");
  open_.groups.set_action(number, std::move(description));
  return {};
}

result<> bulk_load::finish() {
  if (const auto ended = end_group(); !ended) return ended;
  if (const auto written = write(); !written) return written.error();
  if (const auto safe = data_.run("COMMIT"); !safe) return damage(directory_, safe.error());
  const auto whole = data_.checkpoint_and_cut();
  if (!whole) return damage(directory_, whole.error());
  return {};
}

queue_number bulk_load::number_of(std::string_view queue) {
  const auto [known, is_new] = queues_.try_emplace(std::string{queue}, last_queue_ + 1);
  if (is_new) open_.add_queue(++last_queue_, known->first);
  return known->second;
}

result<> bulk_load::write() {
  open_.sort();
  const auto written = rows_.write(open_, duration::zero());
  open_.clear();
  if (!written) return damage(directory_, written.error());
  return {};
}

}  // namespace millrace::store
