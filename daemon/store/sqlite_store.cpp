#include "store/sqlite_store.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "base/system_message.hpp"
#include "store/directory_content.hpp"
#include "store/index_guard.hpp"
#include "store/sqlite_store_parts.hpp"

namespace millrace::store {

namespace {

/// Bytes of disk that one byte of a change may take: it is in the log and in the file, where large rows fill pages by
/// half.
constexpr std::uint64_t disk_bytes_per_byte = 4;

}  // namespace

result<std::unique_ptr<sqlite_store>> sqlite_store::open(loop::event_loop& loop, const store_options& options,
                                                         queue_names names, store_context context) {
  // Before the lock file is created: a refused directory stays as it was.
  if (const auto own = check_content(options.data_dir, foreign_data::refuse); !own) return own.error();
  guard_index();
  auto directory = data_directory::open(options.data_dir);
  if (!directory) return directory.error();
  auto data = open_data_file(*directory, context.vfs, context.is_interrupted);
  if (!data) return data.error();
  auto rows = batch_rows::prepare(*data);
  if (!rows) return damage(*directory, rows.error());
  return std::unique_ptr<sqlite_store>{new sqlite_store{std::make_unique<parts>(
      loop, options, std::move(names), std::move(context), std::move(*directory), std::move(*data), std::move(*rows))}};
}

sqlite_store::sqlite_store(std::unique_ptr<parts> made) : parts_{std::move(made)} {}

sqlite_store::~sqlite_store() {
  // First: the last connection to the file is the writer's.
  parts_->reading.reset();
  parts_->writing.reset();
  if (parts_->mail_open) parts_->close_mail();
}

void sqlite_store::begin_recovery(recovery_sink sink, std::uint64_t body_bytes_max) {
  parts& p = *parts_;
  assert(!p.writing && !p.recovering && "before the first change");
  p.recovering.emplace(*p.data, p.open, p.context.wall_offset(), p.loop.now(), std::move(sink), body_bytes_max);
}

result<std::optional<std::uint64_t>> sqlite_store::recover_slice(std::size_t rows_max, std::size_t bytes_max) {
  parts& p = *parts_;
  assert(p.recovering);
  auto done = p.recovering->advance(rows_max, bytes_max);
  if (!done || *done) p.recovering.reset();
  if (!done) return damage(p.directory, done.error());
  if (*done) {
    const auto positions = each_position(
        *p.data, [&p](kept_position&& one) { p.positions.insert_or_assign(one.source.producer, std::move(one)); });
    if (!positions) return damage(p.directory, positions.error());
  }
  return done;
}

void sqlite_store::start() { parts_->start_writing(); }

void sqlite_store::parts::start_writing() {
  assert(!recovering);
  if (writing) return;
  try {
    writing.emplace(std::move(*data), std::move(*rows), directory, options, context, mail);
    rows.reset();
    data.reset();
  } catch (const std::exception& thrown) {
    fail(message_of(thrown));
    throw;
  }
}

batch_id sqlite_store::append(engine::change_set& changes) { return parts_->add_awaited(changes); }

batch_id sqlite_store::append_relaxed(engine::change_set& changes) {
  parts& p = *parts_;
  const auto batch = p.add(changes);
  // Half of the interval is for the commit itself and for the one that it may have to wait for.
  const bool is_open = batch == p.open.id();
  if (is_open && !p.commit_requested && p.soon.when() == never) {
    p.soon.set(after(p.loop.now(), p.options.relaxed_interval / 2));
  }
  return batch;
}

batch_id sqlite_store::reserve_ids(std::uint64_t up_to) {
  parts_->open.mark_ids(up_to);
  parts_->await_open();
  return parts_->open.id();
}

batch_id sqlite_store::parts::add(engine::change_set& changes) {
  assert(mail_open && "not after close");
  const auto batch = open.id();
  if (!failure.empty()) {
    changes.clear();
    return batch;
  }
  if (open_since == never) open_since = loop.now();
  open.add(changes);
  if (open.bytes() >= options.write_batch_max) close_open();
  return batch;
}

batch_id sqlite_store::parts::add_awaited(engine::change_set& changes) {
  // First: the changes may fill the batch, which is then closed at once.
  await_open();
  return add(changes);
}

/// The open batch is full or wanted: it waits for the writer, and further changes go into the next one.
void sqlite_store::parts::close_open() {
  const auto bytes = open.bytes();
  auto next = spare ? std::move(spare) : std::make_unique<batch>();
  closed.push_back({open.exchange(std::move(next)), std::exchange(is_synced, false) || options.relaxed_sync,
                    std::exchange(open_since, never), bytes});
  closed_bytes += bytes;
  commit_requested = false;
  soon.clear();
  if (!committing) mail.ring();
}

void sqlite_store::parts::request_commit() {
  commit_requested = true;
  soon.clear();
  // Not at once: further changes of this turn of the loop share the commit.
  if (!committing) mail.ring();
}

void sqlite_store::parts::mail_received() {
  if (writing) {
    if (auto report = writing->take_report()) take(std::move(*report));
    if (auto cause = writing->take_failure(); !cause.empty() && !committing && failure.empty()) {
      fail(std::move(cause));
      if (on_durable) on_durable();
    }
  }
  hand_over();
  closing.wake_all();
}

void sqlite_store::parts::hand_over() {
  if (committing || !failure.empty()) return;
  if (closed.empty()) {
    if (!commit_requested) return;
    if (open.empty()) {
      // All changes cancelled out, and all earlier batches are durable.
      commit_requested = is_synced = false;
      open_since = never;
      last_durable = open.id();
      open.skip();
      if (on_durable) on_durable();
      return;
    }
    close_open();
  }
  start_writing();
  closed_batch next = std::move(closed.front());
  closed.pop_front();
  closed_bytes -= next.bytes;
  committing = true;
  committing_since = next.since;
  committing_bytes = next.bytes;
  writing->commit(std::move(next.content), next.is_synced ? writer::sync::yes : writer::sync::no);
}

void sqlite_store::parts::take(commit_report&& report) {
  committing = false;
  committing_since = never;
  committing_bytes = 0;
  spare = std::move(report.written);
  counts.errors.add(report.failed_attempts);
  if (report.failure.empty()) {
    counts.commit.observe(report.took);
    counts.commit_jobs.observe(report.jobs);
    last_durable = report.id;
  } else {
    fail(std::move(report.failure));
  }
  // Hand over first: the disk works while the listener runs.
  hand_over();
  if (on_durable) on_durable();
}

void sqlite_store::parts::fail(std::string&& cause) {
  failure = std::move(cause);
  open.forget();
  closed.clear();
  closed_bytes = 0;
  soon.clear();
}

batch_id sqlite_store::durable_up_to() const { return parts_->last_durable; }

void sqlite_store::set_on_durable(std::function<void()> on_durable) { parts_->on_durable = std::move(on_durable); }

void sqlite_store::read_bodies(std::span<const job_id> jobs) {
  parts& p = *parts_;
  if (p.is_closing || jobs.empty()) return;
  p.start_reading();
  p.reading->read(jobs);
}

void sqlite_store::set_on_body_read(body_taker on_body_read) {
  parts_->on_body_read = std::move(on_body_read);
  if (parts_->options.memory_limit) parts_->start_reading();
}

void sqlite_store::parts::bodies_read() {
  if (is_closing) {
    closing.wake_all();
    return;
  }
  reading->take_found(found);
  for (body_found& one : found) {
    if (!one.content && one.content.error().code != errc::not_found) counts.errors.add(1);
    if (on_body_read) on_body_read(one.job, std::move(one.content));
  }
  found.clear();
}

const engine::source_name* sqlite_store::name_source(std::string_view producer, std::string_view kind) {
  return &parts_->sources.emplace_back(std::string{producer}, std::string{kind});
}

std::optional<kept_position> sqlite_store::position_of(std::string_view producer) const {
  const auto known = parts_->positions.find(producer);
  return known == parts_->positions.end() ? std::nullopt : std::optional{known->second};
}

bool sqlite_store::has_failed() const { return !parts_->failure.empty(); }

std::optional<std::uint64_t> sqlite_store::heartbeat() const {
  if (!parts_->writing || has_failed()) return std::nullopt;
  return parts_->writing->heartbeat();
}

std::string sqlite_store::failure() const { return parts_->failure; }

bool sqlite_store::short_of_space(std::uint64_t put_bytes) const {
  parts& p = *parts_;
  if (p.recovering) return false;
  if (!p.failure.empty()) return true;
  // The writer measures the free space, also without changes that would start it; a first put needs the figure.
  if (!p.has_space || (put_bytes > 0 && !p.writing)) p.start_writing();
  if (!p.writing) return false;
  if (p.writing->short_of_space()) return true;
  // What was accepted is not refused any more: the reserve must still be free after they are written.
  const auto reserve = p.options.disk_reserve;
  if (reserve == 0) return false;
  const auto free = p.writing->free_and_ballast_bytes();
  const auto left = free - std::min(free, p.pending_bytes() * disk_bytes_per_byte);
  // One large body must not take the space in which the log is copied and deletes are written.
  return left < std::max(reserve, put_bytes * disk_bytes_per_byte);
}

std::uint64_t sqlite_store::backlog_left() const {
  const auto limit = parts_->options.store_pending_bytes_max;
  return limit - std::min(limit, parts_->pending_bytes());
}

bool sqlite_store::lagging() const {
  const parts& p = *parts_;
  if (!p.failure.empty()) return true;
  const auto oldest = p.oldest_change();
  // A change is late from the end of its interval on.
  return oldest != never && p.loop.now() > after(after(oldest, p.options.relaxed_interval), p.options.relaxed_lag_max);
}

const sqlite_store_counts& sqlite_store::counts() const {
  const auto oldest = parts_->oldest_change();
  parts_->counts.lag = oldest == never ? duration::zero() : parts_->loop.now() - oldest;
  if (parts_->writing) {
    auto& counts = parts_->counts;
    const auto& writer = *parts_->writing;
    counts.bytes = writer.file_bytes();
    counts.ballast_bytes = writer.ballast_bytes();
    const auto free = writer.free_and_ballast_bytes();
    counts.free_bytes = free - std::min(free, counts.ballast_bytes);
  }
  return parts_->counts;
}

loop::awaitable<> sqlite_store::close() {
  co_await loop::ignore_cancellation();
  parts& p = *parts_;
  p.is_closing = true;
  p.recovering.reset();
  if (p.reading) p.reading->end();
  if (!p.open.empty() && p.failure.empty()) {
    p.is_synced = true;
    p.request_commit();
  }
  while (p.failure.empty() && (p.committing || p.commit_requested || !p.closed.empty())) {
    if (p.writing) p.writing->limit_waits();
    co_await p.closing.wait();
  }
  // Before the writer, which cuts the log at its end and is the last one at the file.
  while (p.reading && !p.reading->ended()) co_await p.closing.wait();
  p.reading.reset();
  if (p.writing) {
    p.writing->end();
    while (!p.writing->ended()) co_await p.closing.wait();
    if (auto cause = p.writing->take_failure(); !cause.empty() && p.failure.empty()) p.fail(std::move(cause));
    p.writing.reset();
  }
  p.soon.clear();
  p.close_mail();
}

}  // namespace millrace::store
