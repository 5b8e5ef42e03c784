#include "store/batch_rows.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "store/checksum.hpp"
#include "store/history_rows.hpp"
#include "store/schema.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

std::int64_t on_disk(std::uint64_t number) noexcept { return static_cast<std::int64_t>(number); }
std::int64_t on_disk(job_id id) noexcept { return on_disk(id.value()); }

state_on_disk on_disk(engine::job_state state) noexcept {
  switch (state) {
    case engine::job_state::delayed:
      return state_on_disk::delayed;
    case engine::job_state::buried:
      return state_on_disk::buried;
    case engine::job_state::ready:
    case engine::job_state::reserved:
      break;
  }
  return state_on_disk::ready;
}

/// From this size on, a body is written into its row in place. SQLite copies the whole row of a bound body, and a batch
/// must not depend on memory for that.
constexpr std::size_t written_in_place = 1u << 20;

/// Plain jobs in sequence that one statement puts: starting and ending a statement is a good part of what a short row
/// costs.
constexpr std::size_t rows_at_once = 8;

/// True for most jobs: ready at once, and a body that is bound.
bool is_plain(const batch::new_job& job) noexcept {
  const job_condition& condition = job.condition;
  return condition.state == engine::job_state::ready && condition.delay == duration::zero() &&
         job.content.size() < written_in_place;
}

/// Seven values each.
std::string plain_rows(std::size_t count) {
  std::string all;
  for (std::size_t n = 0; n < count; ++n) {
    if (n > 0) all += ", ";
    all += "(?, ?, 0, ?, ?, ?, 0, 0, 0, ?, ?)";
  }
  return all;
}

/// Six values from `index` on.
void bind_condition(sqlite::statement& to, int index, const job_condition& condition, duration wall_offset) noexcept {
  const bool delayed = condition.state == engine::job_state::delayed;
  to.bind(index++, condition.queue);
  to.bind(index++, static_cast<std::int64_t>(on_disk(condition.state)));
  to.bind(index++, condition.priority);
  to.bind(index++, condition.delay.count());
  to.bind(index++, delayed ? to_disk(condition.due, wall_offset) : 0);
  to.bind(index++, condition.state == engine::job_state::buried ? on_disk(condition.bury_sequence) : 0);
}

/// The run of consecutive ids at the beginning of `jobs`.
std::size_t run_length(std::span<const job_id> jobs) noexcept {
  std::size_t length = 1;
  while (length < jobs.size() && jobs[length].value() == jobs[length - 1].value() + 1) ++length;
  return length;
}

}  // namespace

result<batch_rows> batch_rows::prepare(sqlite::connection& data) {
  batch_rows made;
  const std::pair<sqlite::statement*, std::string> all[]{
      {&made.add_queue_, "INSERT OR REPLACE INTO queue VALUES(?1, ?2, 0, 0)"},
      {&made.drop_queue_, "DELETE FROM queue WHERE number = ?1"},
      {&made.pause_, "UPDATE queue SET paused_until = ?2, paused_for = ?3 WHERE number = ?1"},
      {&made.mark_,
       "INSERT INTO mark VALUES(?2, ?1) ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)"},
      {&made.position_, "INSERT OR REPLACE INTO source_position VALUES(?1, ?2, ?3, ?4, ?5)"},
      // Binding zeros costs more than having them in the statement.
      {&made.put_plain_, "INSERT INTO job VALUES" + plain_rows(1)},
      {&made.put_plain_rows_, "INSERT INTO job VALUES" + plain_rows(rows_at_once)},
      {&made.put_,
       "INSERT INTO job(id, ttr, put_at, body, queue, state, urgency, delay, due, burying, checksum) "
       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"},
      // A hand-out or a release often changes only the history: then the row, which has the body, is not written.
      {&made.move_,
       "UPDATE job SET queue = ?2, state = ?3, urgency = ?4, delay = ?5, due = ?6, burying = ?7 WHERE id = ?1 AND "
       "(queue, state, urgency, delay, due, burying) IS NOT (?2, ?3, ?4, ?5, ?6, ?7)"},
      {&made.history_,
       "INSERT OR REPLACE INTO job_history VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
       "?16, ?17, ?18)"},
      {&made.remove_history_, "DELETE FROM job_history WHERE id BETWEEN ?1 AND ?2"},
      {&made.remove_, "DELETE FROM job WHERE id BETWEEN ?1 AND ?2"},
  };
  for (const auto& [target, sql] : all) {
    auto one = data.prepare(sql);
    if (!one) return one.error();
    *target = std::move(*one);
  }
  auto groups = group_writer::prepare(data);
  if (!groups) return groups.error();
  made.groups_ = std::move(*groups);
  return made;
}

result<> batch_rows::write(const batch& changes, duration wall_offset) {
  if (const auto done = add_queues(changes); !done) return done;
  // Removals first: the pages they leave take the puts.
  if (const auto done = remove(changes.removals(), changes.history_removals()); !done) return done;
  if (const auto done = move(changes.moves(), wall_offset); !done) return done;
  if (const auto done = put(changes.puts(), wall_offset); !done) return done;
  return write_rest(changes, wall_offset);
}

result<> batch_rows::add_queues(const batch& changes) {
  for (const auto& queue : changes.new_queues()) {
    add_queue_.bind(1, queue.number);
    add_queue_.bind_text(2, queue.name);
    if (const auto done = add_queue_.run(); !done) return done;
  }
  return {};
}

result<> batch_rows::write_rest(const batch& changes, duration wall_offset) {
  if (const auto done = write_mark("id", changes.id_mark()); !done) return done;
  if (const auto done = write_mark("group", changes.groups.id_mark()); !done) return done;
  for (const auto& [source, at] : changes.positions()) {
    position_.bind_text(1, source->producer);
    position_.bind_text(2, source->kind);
    position_.bind(3, on_disk(at.place));
    position_.bind(4, on_disk(at.checksum));
    position_.bind(5, on_disk(at.bodies));
    if (const auto done = position_.run(); !done) return done;
  }
  if (const auto done = groups_.write(changes.groups, wall_offset); !done) return done;
  for (const auto& one : changes.pauses()) {
    if (const auto done = pause(one, wall_offset); !done) return done;
  }
  // Last: a queue may have come and gone within this batch.
  for (const auto number : changes.dropped_queues()) {
    drop_queue_.bind(1, number);
    if (const auto done = drop_queue_.run(); !done) return done;
  }
  return {};
}

/// `value`: 0 leaves the mark as it is.
result<> batch_rows::write_mark(std::string_view name, std::uint64_t value) {
  if (value == 0) return {};
  mark_.bind(1, on_disk(value));
  mark_.bind_text(2, name);
  return mark_.run();
}

result<> batch_rows::remove(std::span<const job_id> jobs, std::span<const job_id> histories) {
  if (const auto done = remove_runs(remove_, jobs); !done) return done;
  return remove_runs(remove_history_, histories);
}

result<> batch_rows::remove_runs(sqlite::statement& from, std::span<const job_id> jobs) {
  // A queue is worked off from its front: jobs that end together are neighbours, and a run of them costs one search
  // instead of one each.
  while (!jobs.empty()) {
    const auto run = jobs.first(run_length(jobs));
    from.bind(1, on_disk(run.front()));
    from.bind(2, on_disk(run.back()));
    if (const auto done = from.run(); !done) return done;
    jobs = jobs.subspan(run.size());
  }
  return {};
}

result<> batch_rows::move(std::span<const batch::moved_job> jobs, duration wall_offset) {
  for (const auto& job : jobs) {
    move_.bind(1, on_disk(job.job));
    bind_condition(move_, 2, job.condition, wall_offset);
    if (const auto done = move_.run(); !done) return done;
    if (job.condition.has_history()) {
      if (const auto done = write_history(job.job, job.condition, wall_offset); !done) return done;
    } else if (job.drops_history) {
      if (const auto done = remove_runs(remove_history_, {&job.job, 1}); !done) return done;
    }
  }
  return {};
}

result<> batch_rows::write_history(job_id job, const job_condition& condition, duration wall_offset) {
  static const engine::job_details no_details;
  const auto& details = condition.details ? *condition.details : no_details;
  const auto& tally = condition.tally;
  int index = 1;
  history_.bind(index++, on_disk(job));
  for (const auto count : {tally.reserves, tally.timeouts, tally.releases, tally.buries, tally.kicks, tally.failures,
                           tally.interruptions, tally.laters}) {
    history_.bind(index++, count);
  }
  history_.bind(index++, condition.handed_out ? 1 : 0);
  for (const auto when : {details.first_failure, details.last_failure, details.expires_at}) {
    history_.bind(index++, optional_to_disk(when, wall_offset));
  }
  history_.bind(index++, on_disk(details.group.value()));
  history_.bind(index++, details.group_place);
  history_.bind_text(index++, details.cause ? engine::name_of(*details.cause) : std::string_view{""});
  history_.bind_text(index++, details.origin);
  history_.bind_text(index++, condition.error_text);
  return history_.run();
}

result<> batch_rows::put(std::span<const batch::new_job> jobs, duration wall_offset) {
  while (!jobs.empty()) {
    const auto first_other = std::ranges::find_if_not(jobs.first(std::min(jobs.size(), rows_at_once)), is_plain);
    const auto plain = static_cast<std::size_t>(first_other - jobs.begin());
    const auto taken = plain == rows_at_once ? rows_at_once : 1;
    const auto done = plain > 0 ? put_plain(jobs.first(taken), wall_offset) : put(jobs.front(), wall_offset);
    if (!done) return done;
    for (const auto& job : jobs.first(taken)) {
      if (!job.condition.has_history()) continue;
      if (const auto written = write_history(job.job, job.condition, wall_offset); !written) return written;
    }
    jobs = jobs.subspan(taken);
  }
  return {};
}

result<> batch_rows::put_plain(std::span<const batch::new_job> jobs, duration wall_offset) {
  sqlite::statement& insert = jobs.size() == 1 ? put_plain_ : put_plain_rows_;
  int index = 1;
  for (const auto& job : jobs) {
    insert.bind(index++, on_disk(job.job));
    insert.bind(index++, job.condition.queue);
    insert.bind(index++, job.condition.priority);
    insert.bind(index++, job.ttr.count());
    insert.bind(index++, to_disk(job.put_at, wall_offset));
    insert.bind(index++, checksum_of(job.job, job.content.view()));
    insert.bind_blob(index++, job.content.view());
  }
  return insert.run();
}

result<> batch_rows::put(const batch::new_job& job, duration wall_offset) {
  put_.bind(1, on_disk(job.job));
  put_.bind(2, job.ttr.count());
  put_.bind(3, to_disk(job.put_at, wall_offset));
  const bool in_place = job.content.size() >= written_in_place;
  if (in_place) {
    put_.bind_zeros(4, job.content.size());
  } else {
    put_.bind_blob(4, job.content.view());
  }
  bind_condition(put_, 5, job.condition, wall_offset);
  put_.bind(11, checksum_of(job.job, job.content.view()));
  if (const auto done = put_.run(); !done || !in_place) return done;
  return put_.write_blob("job", "body", on_disk(job.job), job.content.view());
}

result<> batch_rows::pause(const batch::pause& pause, duration wall_offset) {
  const bool paused = pause.until != engine::no_pause;
  pause_.bind(1, pause.queue);
  pause_.bind(2, paused ? to_disk(pause.until, wall_offset) : 0);
  pause_.bind(3, paused ? pause.length.count() : 0);
  return pause_.run();
}

}  // namespace millrace::store
