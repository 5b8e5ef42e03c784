#include "store/writer.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <new>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "loop/signal_free_thread.hpp"

namespace millrace::store {

namespace {

/// Rows of one piece when the disk has no space for a whole batch: with their index pages less than 512 KiB of log.
constexpr std::size_t rows_of_piece = 64;

/// Out of memory is handled like a full disk: nothing was reported yet, so the batch is retried.
template <class Work>
result<> attempt(Work&& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return error{errc::refused, "out of memory"};
  }
}

constexpr auto recheck_interval = std::chrono::milliseconds{100};

}  // namespace

writer::writer(sqlite::connection data, batch_rows rows, const data_directory& directory, const store_options& options,
               store_context context, loop::mailbox& to_loop)
    : data_{std::move(data)},
      rows_{std::move(rows)},
      directory_{directory.path()},
      context_{std::move(context)},
      upkeep_{data_, directory, options, context_},
      to_loop_{to_loop} {
  data_.wait_for_locks(
      {directory.data_file(), [this](duration time) { return wait_for_lock(time); }, context_.lock_limits});
  thread_ = loop::signal_free_thread("store", [this] { serve(); });
}

writer::~writer() {
  end();
  thread_.join();
}

void writer::commit(std::unique_ptr<batch> changes, sync mode) {
  {
    const std::lock_guard held{mutex_};
    assert(!given_ && !reported_ && !ending_);
    given_ = work{std::move(changes), mode};
  }
  changed_.notify_one();
}

std::string writer::take_failure() {
  const std::lock_guard held{mutex_};
  return std::exchange(failed_between_, {});
}

std::optional<commit_report> writer::take_report() {
  const std::lock_guard held{mutex_};
  return std::exchange(reported_, std::nullopt);
}

void writer::limit_waits() {
  {
    const std::lock_guard held{mutex_};
    if (!waits_limited_since_) waits_limited_since_.emplace();
  }
  changed_.notify_one();
}

void writer::end() {
  limit_waits();
  {
    const std::lock_guard held{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
}

void writer::serve() {
  work next;
  for (;;) {
    const auto task = wait(next);
    beat();
    if (task == next_thing::end) break;
    if (task == next_thing::batch) carry_out(next);
    if (!failure_.empty()) continue;
    upkeep_.look_at_space();
    if (task == next_thing::batch) {
      check(upkeep_.after_commit(), "while keeping the files small");
    } else {
      check(upkeep_.check_files(), "while looking at the files");
      if (task == next_thing::upkeep && failure_.empty()) check(upkeep_.when_idle(), "while keeping the files small");
    }
    if (!failure_.empty()) tell_failure();
  }
  if (failure_.empty()) check(upkeep_.check_files(), "at the end");
  if (failure_.empty()) {
    // The log is durable without this; the next start has less to read.
    if (const auto tidy = data_.checkpoint_and_cut(); !tidy && tidy.error().code != errc::refused) {
      check(tidy.error(), "at the end");
    }
  }
  if (!failure_.empty()) tell_failure();
  ended_.store(true, std::memory_order_release);
  to_loop_.ring();
}

writer::next_thing writer::wait(work& into) {
  std::unique_lock held{mutex_};
  const auto asked = [this] { return given_ || ending_; };
  if (const auto left = upkeep_.what_is_left(); failure_.empty() && left != upkeep::next::nothing) {
    const auto pause = left == upkeep::next::later ? recheck_interval : std::chrono::milliseconds{1};
    if (!changed_.wait_for(held, pause, asked)) return next_thing::upkeep;
  } else if (failure_.empty()) {
    if (!changed_.wait_for(held, look_every, asked)) return next_thing::look;
  } else {
    changed_.wait(held, asked);
  }
  if (!given_) return next_thing::end;
  into = std::move(*given_);
  given_.reset();
  return next_thing::batch;
}

void writer::carry_out(work& given) {
  commit_report done;
  done.id = given.changes->id;
  done.jobs = given.changes->jobs();
  if (failure_.empty()) {
    const stopwatch watch;
    given.changes->sort();
    auto written = attempt([&]() -> result<> {
      if (const auto whole = upkeep_.check_log(); !whole) return whole;
      return write(*given.changes, given.mode);
    });
    bool in_pieces = false;
    while (!written && (written.error().code == errc::refused || written.error().code == errc::timed_out)) {
      if (written.error().code == errc::timed_out) {
        // SQLite skips its busy handler where two connections wait for each other, or others are always faster.
        if (!wait_for_lock(recheck_interval)) break;
        written = attempt([&] {
          return in_pieces ? write_in_pieces(*given.changes, given.mode) : write(*given.changes, given.mode);
        });
        continue;
      }
      in_pieces = true;
      // The first attempt frees what the store can free; after that another program has to free space.
      if (++done.failed_attempts > 1 && !wait_for_space()) break;
      const std::string cause = written.error().text;
      written = attempt([&]() -> result<> {
        if (const auto freed = upkeep_.free_space(cause); !freed) return freed;
        return write_in_pieces(*given.changes, given.mode);
      });
    }
    if (!written && written.error().code != errc::refused) ++done.failed_attempts;
    if (written) written = upkeep_.check_files();
    check(written, "while writing");
    done.took = watch.elapsed();
  }
  given.changes->clear();
  done.written = std::move(given.changes);
  done.failure = failure_;
  if (failure_.empty()) upkeep_.note_size();
  report(std::move(done));
}

result<> writer::write(batch& changes, sync mode) {
  if (const auto set = set_sync(mode); !set) return set;
  return write_whole(changes);
}

result<> writer::set_sync(sync mode) {
  if (mode == sync_) return {};
  const auto set = data_.run(mode == sync::yes ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (set) sync_ = mode;
  return set;
}

result<> writer::write_whole(const batch& changes) {
  auto all = sqlite::transaction::begin(data_);
  if (!all) return all.error();
  if (const auto written = rows_.write(changes, context_.wall_offset()); !written) return written;
  if (const auto kept = upkeep_.before_commit(); !kept) return kept;
  if (const auto whole = upkeep_.check_index(); !whole) return whole;
  return all->commit();
}

/// Each row that changes takes a page of the log until the log is copied, so a large batch can need more log than a
/// full disk has. Moves, and removals of a batch without puts, are independent: they are committed in pieces. The rest
/// is one transaction, because a job may be removed for the put of another. So is a batch with changes of groups, whose
/// counts must agree with their members. No change is reported before all are durable.
result<> writer::write_in_pieces(const batch& changes, sync mode) {
  // The attempt before may have failed before it was set.
  if (const auto set = set_sync(mode); !set) return set;
  const auto wall_offset = context_.wall_offset();
  if (!changes.groups.empty()) return write_piece([&] { return rows_.write(changes, wall_offset); });
  const auto pieces_of = [](auto rows, auto&& write) -> result<> {
    for (; !rows.empty(); rows = rows.subspan(std::min(rows.size(), rows_of_piece))) {
      if (const auto done = write(rows.first(std::min(rows.size(), rows_of_piece))); !done) return done;
    }
    return {};
  };
  // Before the jobs that move into them.
  if (!changes.new_queues().empty()) {
    const auto added = write_piece([&] { return rows_.add_queues(changes); });
    if (!added) return added;
  }
  const auto moved = pieces_of(std::span{changes.moves()},
                               [&](auto jobs) { return write_piece([&] { return rows_.move(jobs, wall_offset); }); });
  if (!moved) return moved;
  std::span removals{changes.removals()};
  std::span histories{changes.history_removals()};
  if (changes.puts().empty()) {
    const auto removed = pieces_of(removals, [&](auto jobs) {
      // A job and its history go in one piece.
      const auto end = std::upper_bound(histories.begin(), histories.end(), jobs.back());
      const auto with_jobs = histories.first(static_cast<std::size_t>(end - histories.begin()));
      histories = histories.subspan(with_jobs.size());
      return write_piece([&] { return rows_.remove(jobs, with_jobs); });
    });
    if (!removed) return removed;
    removals = {};
    histories = {};
  }
  return write_piece([&]() -> result<> {
    if (const auto done = rows_.remove(removals, histories); !done) return done;
    if (const auto done = rows_.put(changes.puts(), wall_offset); !done) return done;
    return rows_.write_rest(changes, wall_offset);
  });
}

template <class Rows>
result<> writer::write_piece(Rows&& rows) {
  {
    auto all = sqlite::transaction::begin(data_);
    if (!all) return all.error();
    if (const auto written = rows(); !written) return written;
    if (const auto whole = upkeep_.check_index(); !whole) return whole;
    if (const auto safe = all->commit(); !safe) return safe;
  }
  return upkeep_.after_piece();
}

bool writer::wait_for_space() {
  beat();
  std::unique_lock held{mutex_};
  return !changed_.wait_for(held, recheck_interval, [this] { return waits_limited_since_.has_value(); });
}

bool writer::wait_for_lock(duration time) {
  beat();
  std::unique_lock held{mutex_};
  changed_.wait_for(held, time);
  return !waits_limited_since_ || waits_limited_since_->elapsed() < lock_wait_at_end_max;
}

void writer::report(commit_report&& done) {
  {
    const std::lock_guard held{mutex_};
    reported_ = std::move(done);
  }
  to_loop_.ring();
}

void writer::tell_failure() {
  {
    const std::lock_guard held{mutex_};
    failed_between_ = failure_;
  }
  to_loop_.ring();
}

void writer::check(const result<>& done, std::string_view doing) {
  if (done) return;
  data_.leave_log();
  failure_ = directory_ + ": " + std::string{doing} + ": " + done.error().text;
  log::error("store_failed", "nothing is acknowledged any more", {{"error", failure_}});
}

}  // namespace millrace::store
