#include "store/batch_rows.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "store/checksum.hpp"
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

/// True for most jobs: ready at once, with no history, and a body that is bound.
bool is_plain(const batch::new_job& job) noexcept {
  const job_condition& condition = job.condition;
  return condition.state == engine::job_state::ready && condition.delay == duration::zero() &&
         condition.tally == engine::job_tally{} && condition.error_text.empty() &&
         job.content.size() < written_in_place;
}

/// Seven values each.
std::string plain_rows(std::size_t count) {
  std::string all;
  for (std::size_t n = 0; n < count; ++n) {
    if (n > 0) all += ", ";
    all += "(?, ?, 0, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', ?, ?)";
  }
  return all;
}

/// Twelve values from `place` on.
void bind_condition(sqlite::statement& to, int place, const job_condition& condition, duration wall_offset) noexcept {
  const bool delayed = condition.state == engine::job_state::delayed;
  to.bind(place++, static_cast<std::int64_t>(on_disk(condition.state)));
  to.bind(place++, condition.priority);
  to.bind(place++, condition.delay.count());
  to.bind(place++, delayed ? to_disk(condition.due, wall_offset) : 0);
  to.bind(place++, condition.state == engine::job_state::buried ? on_disk(condition.bury_sequence) : 0);
  to.bind(place++, condition.tally.reserves);
  to.bind(place++, condition.tally.timeouts);
  to.bind(place++, condition.tally.releases);
  to.bind(place++, condition.tally.buries);
  to.bind(place++, condition.tally.kicks);
  to.bind(place++, condition.tally.failures);
  to.bind_text(place++, condition.error_text);
}

}  // namespace

result<batch_rows> batch_rows::prepare(sqlite::connection& data) {
  batch_rows made;
  const std::pair<sqlite::statement*, std::string> all[]{
      {&made.add_queue_, "INSERT OR REPLACE INTO queue VALUES(?1, ?2, 0, 0)"},
      {&made.drop_queue_, "DELETE FROM queue WHERE number = ?1"},
      {&made.pause_, "UPDATE queue SET paused_until = ?2, paused_for = ?3 WHERE number = ?1"},
      {&made.mark_,
       "INSERT INTO mark VALUES('id', ?1) ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)"},
      {&made.position_, "INSERT OR REPLACE INTO source_position VALUES(?1, ?2, ?3, ?4, ?5)"},
      // Binding zeros costs more than having them in the statement.
      {&made.put_plain_, "INSERT INTO job VALUES" + plain_rows(1)},
      {&made.put_plain_rows_, "INSERT INTO job VALUES" + plain_rows(rows_at_once)},
      {&made.put_,
       "INSERT INTO job(id, queue, ttr, put_at, body, state, urgency, delay, due, burying, reserves, timeouts, "
       "releases, buries, kicks, failures, error, checksum) "
       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"},
      {&made.move_,
       "UPDATE job SET state = ?2, urgency = ?3, delay = ?4, due = ?5, burying = ?6, reserves = ?7, timeouts = ?8, "
       "releases = ?9, buries = ?10, kicks = ?11, failures = ?12, error = ?13 WHERE id = ?1"},
      {&made.remove_, "DELETE FROM job WHERE id BETWEEN ?1 AND ?2"},
  };
  for (const auto& [place, sql] : all) {
    auto one = data.prepare(sql);
    if (!one) return one.error();
    *place = std::move(*one);
  }
  return made;
}

result<> batch_rows::write(const batch& changes, duration wall_offset) {
  if (const auto done = write_queues(changes, wall_offset); !done) return done;
  // Removals first: the pages they leave take the puts.
  if (const auto done = remove(changes.removals()); !done) return done;
  if (const auto done = move(changes.moves(), wall_offset); !done) return done;
  return put(changes.puts(), wall_offset);
}

result<> batch_rows::write_queues(const batch& changes, duration wall_offset) {
  if (changes.id_mark() != 0) {
    mark_.bind(1, on_disk(changes.id_mark()));
    if (const auto done = mark_.run(); !done) return done;
  }
  for (const auto& queue : changes.new_queues()) {
    add_queue_.bind(1, queue.number);
    add_queue_.bind_text(2, queue.name);
    if (const auto done = add_queue_.run(); !done) return done;
  }
  for (const auto& [source, at] : changes.positions()) {
    position_.bind_text(1, source->producer);
    position_.bind_text(2, source->kind);
    position_.bind(3, on_disk(at.place));
    position_.bind(4, on_disk(at.checksum));
    position_.bind(5, on_disk(at.bodies));
    if (const auto done = position_.run(); !done) return done;
  }
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

result<> batch_rows::remove(std::span<const job_id> jobs) {
  // A queue is worked off from its front: jobs that end together are neighbours, and a run of them costs one search
  // instead of one each.
  for (auto first = jobs.begin(); first != jobs.end();) {
    auto last = first;
    while (std::next(last) != jobs.end() && std::next(last)->value() == last->value() + 1) ++last;
    remove_.bind(1, on_disk(*first));
    remove_.bind(2, on_disk(*last));
    if (const auto done = remove_.run(); !done) return done;
    first = std::next(last);
  }
  return {};
}

result<> batch_rows::move(std::span<const batch::moved_job> jobs, duration wall_offset) {
  for (const auto& job : jobs) {
    move_.bind(1, on_disk(job.job));
    bind_condition(move_, 2, job.condition, wall_offset);
    if (const auto done = move_.run(); !done) return done;
  }
  return {};
}

result<> batch_rows::put(std::span<const batch::new_job> jobs, duration wall_offset) {
  while (!jobs.empty()) {
    const auto first_other = std::ranges::find_if_not(jobs.first(std::min(jobs.size(), rows_at_once)), is_plain);
    const auto plain = static_cast<std::size_t>(first_other - jobs.begin());
    const auto taken = plain == rows_at_once ? rows_at_once : 1;
    const auto done = plain > 0 ? put_plain(jobs.first(taken), wall_offset) : put(jobs.front(), wall_offset);
    if (!done) return done;
    jobs = jobs.subspan(taken);
  }
  return {};
}

result<> batch_rows::put_plain(std::span<const batch::new_job> jobs, duration wall_offset) {
  sqlite::statement& insert = jobs.size() == 1 ? put_plain_ : put_plain_rows_;
  int place = 1;
  for (const auto& job : jobs) {
    insert.bind(place++, on_disk(job.job));
    insert.bind(place++, job.queue);
    insert.bind(place++, job.condition.priority);
    insert.bind(place++, job.ttr.count());
    insert.bind(place++, to_disk(job.put_at, wall_offset));
    insert.bind(place++, checksum_of(job.job, job.content.view()));
    insert.bind_blob(place++, job.content.view());
  }
  return insert.run();
}

result<> batch_rows::put(const batch::new_job& job, duration wall_offset) {
  put_.bind(1, on_disk(job.job));
  put_.bind(2, job.queue);
  put_.bind(3, job.ttr.count());
  put_.bind(4, to_disk(job.put_at, wall_offset));
  const bool in_place = job.content.size() >= written_in_place;
  if (in_place) {
    put_.bind_zeros(5, job.content.size());
  } else {
    put_.bind_blob(5, job.content.view());
  }
  bind_condition(put_, 6, job.condition, wall_offset);
  put_.bind(18, checksum_of(job.job, job.content.view()));
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
