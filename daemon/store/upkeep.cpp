#include "store/upkeep.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/log.hpp"

namespace millrace::store {

namespace {

using sqlite::page_bytes;
/// Of a log: its own header, and that of each page (SQLite's file format, 4.1).
constexpr std::int64_t log_header_bytes = 32;
constexpr std::int64_t log_page_header_bytes = 24;
/// Another process that copies the log lets the data file look too short for a moment. It is truncated when it has not
/// grown for so long.
constexpr auto recheck_interval = std::chrono::milliseconds{100};
constexpr int looks_most = 10;
/// The log may take so much of what is free, and its copying as much again: what is left is for what comes while it is
/// copied.
constexpr std::uint64_t share_of_free = 4;
/// While the disk is short of space every page counts: files are made small from so few on, whenever there is nothing
/// to write. The log is never copied more often than that.
constexpr std::int64_t pages_kept_when_short = 64;

/// Free pages are given back in slices: small ones within the commits of a busy writer, larger ones by themselves when
/// there is nothing else to do.
constexpr std::size_t slice_of_busy = 64;
constexpr std::size_t slice_of_idle = 1'024;

/// Errors that pass: there is no space now, or another connection holds a lock.
bool is_passing(const error& found) { return found.code == errc::refused || found.code == errc::timed_out; }

result<> unless_passing(const error& found) {
  if (is_passing(found)) return {};
  return found;
}

}  // namespace

std::uint64_t bytes_of(sqlite::connection& data) {
  const auto in_file = data.number("PRAGMA page_count");
  return static_cast<std::uint64_t>(((in_file ? *in_file : 0) + data.log_pages()) * page_bytes);
}

upkeep::upkeep(sqlite::connection& data, const data_directory& directory, const store_options& options,
               const store_context& context)
    : data_{data},
      directory_{directory.path()},
      reserve_{options.disk_reserve},
      context_{context},
      ballast_{directory_, reserve_},
      files_{directory.data_file(), directory.lock_file(), directory.data_descriptor(), directory.lock_descriptor()},
      copying_{directory.data_file(),
               "another connection or process reads the data file: its log cannot be copied and grows",
               // The store's own reader is in the way for moments.
               {.log_after = context.lock_limits.log_every, .log_every = context.lock_limits.log_every}} {
  look_at_space();
  static_cast<void>(count_pages());  // a failure shows with the first commit
  note_size();
}

void upkeep::look_at_space() {
  const auto free = context_.free_bytes(directory_);
  const auto free_and_ballast = free + std::min(ballast_.bytes(), UINT64_MAX - free);
  free_and_ballast_bytes_.store(free_and_ballast, std::memory_order_relaxed);
  const bool is_short = free_and_ballast < reserve_;
  if (free >= reserve_) ballast_.make();
  ballast_bytes_.store(ballast_.bytes(), std::memory_order_relaxed);
  if (is_short == short_of_space_.exchange(is_short, std::memory_order_relaxed)) return;
  if (is_short) {
    log::warning("disk_nearly_full", "less space is free than disk_reserve: puts are refused",
                 {{"data_dir", directory_}});
  } else {
    log::info("disk_has_space", "there is space again: puts are taken", {{"data_dir", directory_}});
  }
}

result<> upkeep::check_files() {
  if (const auto same = files_.check(); !same) return same;
  auto bytes = files_.data_bytes();
  for (int looks = 0; !files_.data_is_whole(); ++looks) {
    const auto before = std::exchange(bytes, files_.data_bytes());
    if (bytes != before) looks = 0;
    if (looks == looks_most) return files_.truncated_data();
    std::this_thread::sleep_for(recheck_interval);
    if (const auto same = files_.check(); !same) return same;
  }
  return check_log();
}

result<> upkeep::check_log() {
  if (const auto same = files_.check_log(); !same) return same;
  const auto has_pages = [this](std::int64_t pages) {
    const auto least = log_header_bytes + pages * (log_page_header_bytes + page_bytes);
    return pages == 0 || files_.log_bytes() >= static_cast<std::uint64_t>(least);
  };
  if (has_pages(data_.log_pages())) return {};
  // Another process may have copied all of the log and cut it since our last commit; then the index knows of it.
  const auto pages = data_.count_log_pages();
  if (!pages) return is_passing(pages.error()) ? result<>{} : files_.truncated_log();
  // It may also have written to the log since the size was read.
  if (const auto same = files_.check_log(); !same) return same;
  return has_pages(*pages) ? result<>{} : files_.truncated_log();
}

void upkeep::no_space(std::string_view message) {
  if (short_of_space_.exchange(true, std::memory_order_relaxed)) return;
  log::warning("disk_full", "no space is left: replies wait, puts are refused",
               {{"data_dir", directory_}, {"error", message}});
}

result<> upkeep::free_space(std::string_view message) {
  no_space(message);
  ballast_.give_up();
  ballast_bytes_.store(0, std::memory_order_relaxed);
  // A log that is copied begins anew, over what it has on disk; one that is cut gives that back too.
  const auto copied = copy_log_once(log_end::cut);
  return copied ? result<>{} : unless_passing(copied.error());
}

result<> upkeep::before_commit() {
  if (has_pages_to_give_) {
    if (const auto given = give_pages(slice_of_busy); !given) return given;
  }
  return count_pages();
}

result<> upkeep::after_commit() {
  plan_pages();
  return keep_log_short(false);
}

result<> upkeep::when_idle() {
  auto done = count_pages();
  if (done) {
    plan_pages();
    if (has_pages_to_give_) done = give_pages(slice_of_idle);
  }
  if (!done) {
    last_step_failed_ = is_passing(done.error());
    return unless_passing(done.error());
  }
  done = keep_log_short(true);
  note_size();
  return done;
}

result<> upkeep::after_piece() {
  if (data_.log_pages() < pages_kept_when_short) return {};
  const auto copied = copy_log_once(log_end::keep);
  return copied ? result<>{} : unless_passing(copied.error());
}

result<> upkeep::keep_log_short(bool has_time) {
  const bool cut = truncate_pending_ || (has_time && short_of_space() && data_.log_pages() > pages_kept_when_short);
  // Readers may hold a cut up: then it is not tried with each commit, but when there is time, or when the log is
  // copied anyway.
  const bool now = data_.log_pages() >= log_pages_most() || (cut && (has_time || !truncate_blocked_));
  const auto done = now ? copy_log(cut ? log_end::cut : log_end::keep) : result<>{};
  last_step_failed_ = !done && is_passing(done.error());
  return done ? done : unless_passing(done.error());
}

result<> upkeep::copy_log(log_end end) {
  // Pages that were given back leave the disk with the copying.
  auto copied = copy_log_once(end);
  if (!copied && copied.error().code == errc::refused && ballast_.give_up()) {
    ballast_bytes_.store(0, std::memory_order_relaxed);
    copied = copy_log_once(end);
  }
  if (!copied) return copied.error();
  if (end == log_end::cut) truncate_blocked_ = !*copied;
  if (end == log_end::cut && *copied) truncate_pending_ = false;
  return {};
}

/// With an index that is not whole the log would be cut before all of it is copied.
result<bool> upkeep::copy_log_once(log_end end) {
  if (const auto whole = check_index(); !whole) return whole.error();
  auto copied = end == log_end::cut ? data_.checkpoint_and_cut() : data_.checkpoint();
  if (copied && !*copied) {
    copying_.waits();
  } else {
    copying_.ended();
  }
  return copied;
}

upkeep::next upkeep::what_is_left() const noexcept {
  if (last_step_failed_ || short_of_space()) return next::later;
  if (has_pages_to_give_) return next::soon;
  if (!truncate_pending_) return next::nothing;
  return truncate_blocked_ ? next::later : next::soon;
}

result<> upkeep::count_pages() {
  const auto free = number(count_free_pages_, "PRAGMA freelist_count");
  if (!free) return free.error();
  const auto all = number(count_pages_, "PRAGMA page_count");
  if (!all) return all.error();
  free_pages_ = *free;
  pages_ = *all;
  return {};
}

void upkeep::plan_pages() {
  const auto& limits = context_.limits;
  const bool had_some = has_pages_to_give_;
  has_pages_to_give_ = short_of_space()     ? free_pages_ > pages_kept_when_short
                       : has_pages_to_give_ ? free_pages_ > limits.free_pages_kept && free_pages_ > pages_ / 16
                                            : free_pages_ > limits.free_pages_most && free_pages_ > pages_ / 4;
  truncate_pending_ = truncate_pending_ || (had_some && !has_pages_to_give_);
}

result<> upkeep::give_pages(std::size_t count) {
  return data_.run(("PRAGMA incremental_vacuum(" + std::to_string(count) + ")").c_str());
}

result<std::int64_t> upkeep::number(std::optional<sqlite::statement>& kept, const char* query) {
  if (!kept) {
    auto prepared = data_.prepare(query);
    if (!prepared) return prepared.error();
    kept = std::move(*prepared);
  }
  return data_.number(*kept);
}

void upkeep::note_size() {
  const auto bytes = (pages_ + data_.log_pages()) * page_bytes;
  file_bytes_.store(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
}

std::int64_t upkeep::log_pages_most() const noexcept {
  const auto pages_by_space = static_cast<std::int64_t>(free_and_ballast_bytes() / share_of_free / page_bytes);
  return std::min(context_.limits.log_pages, std::max(pages_by_space, pages_kept_when_short));
}

}  // namespace millrace::store
