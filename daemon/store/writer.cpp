#include "store/writer.hpp"

#include <cassert>
#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "loop/quiet_thread.hpp"

namespace millrace::store {

namespace {

/// The log is copied into the data file when it has so many pages (16 MiB): a page that changes again and again, as the edges of a
/// queue do, is copied once; and the copying, which holds up the next commit, stays a matter of some tens of milliseconds.
constexpr int checkpoint_pages = 4'096;
/// While the disk is short of space every page counts: files are made small from so few on, whenever there is nothing to write.
constexpr std::int64_t pages_kept_when_short = 64;
constexpr std::int64_t page_bytes = 4'096;

/// Free pages of the file are for what comes next; those beyond a quarter of it are given back until it is a sixteenth, in slices: small
/// ones within the commits of a busy writer, larger ones by themselves when there is nothing else to do.
constexpr std::int64_t free_pages_kept = 256;
constexpr std::int64_t free_pages_most = 1'024;
constexpr std::size_t slice_of_busy = 64;
constexpr std::size_t slice_of_idle = 1'024;

constexpr auto look_again_after = std::chrono::milliseconds{100};

}  // namespace

writer::writer(sqlite::connection data, batch_rows rows, std::string directory, const store_options& options,
               surroundings around, loop::mailbox& to_loop)
    : data_{std::move(data)},
      rows_{std::move(rows)},
      directory_{std::move(directory)},
      options_{options},
      around_{std::move(around)},
      to_loop_{to_loop} {
  look_at_space();
  thread_ = loop::quiet_thread("store", [this] { serve(); });
}

writer::~writer() {
  end();
  thread_.join();
}

void writer::commit(std::unique_ptr<batch> what, bool synced) {
  {
    const std::lock_guard held{mutex_};
    assert(!given_ && !reported_ && !ending_);
    given_ = work{std::move(what), synced};
  }
  changed_.notify_one();
}

std::optional<commit_report> writer::take_report() {
  const std::lock_guard held{mutex_};
  return std::exchange(reported_, std::nullopt);
}

void writer::lose_patience() {
  {
    const std::lock_guard held{mutex_};
    patient_ = false;
  }
  changed_.notify_one();
}

void writer::end() {
  lose_patience();
  {
    const std::lock_guard held{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
}

void writer::serve() {
  work next;
  for (;;) {
    const auto what = wait(next);
    if (what == next_thing::end) break;
    if (what == next_thing::batch) carry_out(next);
    look_at_space();
    keep_files_small(what == next_thing::batch ? 0 : slice_of_idle);
  }
  if (failure_.empty()) {
    // Not for safety, which the log gives: the next start has less to read.
    if (const auto tidy = data_.checkpoint_and_cut(); !tidy && tidy.error().code != errc::refused) {
      fail(tidy.error(), "at the end");
    }
  }
  ended_.store(true, std::memory_order_release);
  to_loop_.ring();
}

writer::next_thing writer::wait(work& into) {
  std::unique_lock held{mutex_};
  const auto asked = [this] { return given_ || ending_; };
  if (has_upkeep_ || short_of_space()) {
    const auto patience = has_upkeep_ && !short_of_space() ? std::chrono::milliseconds{1} : look_again_after;
    if (!changed_.wait_for(held, patience, asked)) return next_thing::upkeep;
  } else {
    changed_.wait(held, asked);
  }
  if (!given_) return next_thing::end;
  into = std::move(*given_);
  given_.reset();
  return next_thing::batch;
}

void writer::carry_out(work& it) {
  commit_report done;
  done.id = it.what->id;
  done.jobs = it.what->jobs();
  if (failure_.empty()) {
    const stopwatch watch;
    it.what->sort();
    for (;;) {
      const auto written = write(*it.what, it.synced);
      if (written) break;
      ++done.failed_attempts;
      if (written.error().code != errc::refused || !wait_for_space()) {
        fail(written.error(), "while writing");
        break;
      }
    }
    done.took = watch.elapsed();
  }
  it.what->clear();
  done.written = std::move(it.what);
  done.failure = failure_;
  if (const auto pages = all_pages(); failure_.empty())
    done.file_bytes = static_cast<std::uint64_t>(pages * page_bytes);
  report(std::move(done));
}

result<> writer::write(batch& it, bool synced) {
  if (synced != synced_) {
    if (const auto set = data_.run(synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"); !set)
      return set;
    synced_ = synced;
  }
  auto all = sqlite::transaction::begin(data_);
  if (!all) return all.error();
  if (const auto written = rows_.write(it, around_.wall_offset()); !written) return written;
  if (has_upkeep_) {
    if (const auto given = give_pages_back(slice_of_busy); !given) return given;
  }
  return all->commit();
}

bool writer::wait_for_space() {
  if (!short_of_space_.exchange(true, std::memory_order_relaxed)) {
    log::warning("disk_full", "no space is left: replies wait, puts are refused", {{"data_dir", directory_}});
  }
  std::unique_lock held{mutex_};
  return !changed_.wait_for(held, look_again_after, [this] { return !patient_; });
}

void writer::report(commit_report&& it) {
  {
    const std::lock_guard held{mutex_};
    reported_ = std::move(it);
  }
  to_loop_.ring();
}

std::int64_t writer::all_pages() {
  const auto in_file = data_.number("PRAGMA page_count");
  return (in_file ? *in_file : 0) + data_.log_pages();
}

void writer::keep_files_small(std::size_t pages_at_once) {
  if (!failure_.empty()) return;
  if (const auto given = give_pages_back(pages_at_once); !given && given.error().code != errc::refused) {
    return fail(given.error(), "while giving space back");
  }
  const bool has_time_and_no_space = pages_at_once != 0 && short_of_space();
  const bool tidied_up =
      std::exchange(tidied_up_, false) || (has_time_and_no_space && data_.log_pages() > pages_kept_when_short);
  if (data_.log_pages() < checkpoint_pages && !tidied_up) return;
  // Pages that were given back leave the disk with the copying.
  const auto copied = tidied_up ? data_.checkpoint_and_cut() : data_.checkpoint();
  if (!copied && copied.error().code != errc::refused) {
    fail(copied.error(), "while copying the log");
  }
}

result<> writer::give_pages_back(std::size_t pages_at_once) {
  const auto free = data_.number("PRAGMA freelist_count");
  if (!free) return free.error();
  const auto all = data_.number("PRAGMA page_count");
  if (!all) return all.error();
  const bool had_upkeep = has_upkeep_;
  has_upkeep_ = short_of_space() ? *free > pages_kept_when_short
                : has_upkeep_    ? *free > free_pages_kept && *free > *all / 16
                                 : *free > free_pages_most && *free > *all / 4;
  tidied_up_ = tidied_up_ || (had_upkeep && !has_upkeep_);
  if (!has_upkeep_ || pages_at_once == 0) return {};
  return data_.run(("PRAGMA incremental_vacuum(" + std::to_string(pages_at_once) + ")").c_str());
}

void writer::look_at_space() {
  if (!failure_.empty()) return;
  const bool is_short = around_.free_bytes(directory_) < options_.disk_reserve;
  if (is_short == short_of_space_.exchange(is_short, std::memory_order_relaxed)) return;
  if (is_short) {
    log::warning("disk_nearly_full", "less space is free than disk_reserve: puts are refused",
                 {{"data_dir", directory_}});
  } else {
    log::info("disk_has_space", "there is space again: puts are taken", {{"data_dir", directory_}});
  }
}

void writer::fail(const error& why, std::string_view doing) {
  failure_ = directory_ + ": " + std::string{doing} + ": " + why.text;
  log::error("store_failed", "nothing is acknowledged any more", {{"error", failure_}});
}

}  // namespace millrace::store
