#include "store/upkeep.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace millrace::store {

namespace {

constexpr std::int64_t page_bytes = 4'096;
/// The log may take so much of what is free, and its copying as much again: what is left is for what comes while it is copied.
constexpr std::uint64_t share_of_room = 4;
/// While the disk is short of space every page counts: files are made small from so few on, whenever there is nothing to write. The log is never
/// copied more often than that.
constexpr std::int64_t pages_kept_when_short = 64;

/// Free pages are given back in slices: small ones within the commits of a busy writer, larger ones by themselves when there is nothing else to
/// do.
constexpr std::size_t slice_of_busy = 64;
constexpr std::size_t slice_of_idle = 1'024;

result<> unless_refused(const error& found) {
  if (found.code == errc::refused) return {};
  return found;
}

}  // namespace

std::uint64_t bytes_of(sqlite::connection& data) {
  const auto in_file = data.number("PRAGMA page_count");
  return static_cast<std::uint64_t>(((in_file ? *in_file : 0) + data.log_pages()) * page_bytes);
}

upkeep::upkeep(sqlite::connection& data, std::string directory, const store_options& options,
               const surroundings& around)
    : data_{data},
      directory_{std::move(directory)},
      reserve_{options.disk_reserve},
      around_{around},
      ballast_{directory_, reserve_} {
  look_at_space();
  note_size();
}

void upkeep::look_at_space() {
  const auto free = around_.free_bytes(directory_);
  const auto room = free + std::min(ballast_.bytes(), UINT64_MAX - free);
  room_.store(room, std::memory_order_relaxed);
  const bool is_short = room < reserve_;
  if (free >= reserve_) ballast_.make();
  if (is_short == short_of_space_.exchange(is_short, std::memory_order_relaxed)) return;
  if (is_short) {
    log::warning("disk_nearly_full", "less space is free than disk_reserve: puts are refused",
                 {{"data_dir", directory_}});
  } else {
    log::info("disk_has_space", "there is space again: puts are taken", {{"data_dir", directory_}});
  }
}

void upkeep::no_space(std::string_view why) {
  if (short_of_space_.exchange(true, std::memory_order_relaxed)) return;
  log::warning("disk_full", "no space is left: replies wait, puts are refused",
               {{"data_dir", directory_}, {"error", why}});
}

result<> upkeep::make_room(std::string_view why) {
  no_space(why);
  ballast_.give_up();
  // A log that is copied begins anew, over what it has on disk; one that is cut gives that back too.
  const auto copied = data_.checkpoint_and_cut();
  return copied ? result<>{} : unless_refused(copied.error());
}

result<> upkeep::give_some_pages() { return has_pages_to_give_ ? give_pages_back(slice_of_busy) : result<>{}; }

result<> upkeep::when_idle() {
  const auto done = keep_files_small(slice_of_idle);
  note_size();
  return done;
}

result<> upkeep::after_piece() {
  if (data_.log_pages() < pages_kept_when_short) return {};
  const auto copied = data_.checkpoint();
  return copied ? result<>{} : unless_refused(copied.error());
}

result<> upkeep::keep_files_small(std::size_t pages_at_once) {
  auto done = give_pages_back(pages_at_once);
  const bool has_time = pages_at_once != 0;
  const bool cut = to_be_cut_ || (has_time && short_of_space() && data_.log_pages() > pages_kept_when_short);
  // Whoever reads may hold a cut up: then it is not tried with each commit, but when there is time, or when the log is copied anyway.
  const bool now = data_.log_pages() >= log_pages_most() || (cut && (has_time || !cut_was_held_up_));
  if (done && now) done = copy_log(cut);
  was_refused_ = !done && done.error().code == errc::refused;
  return done ? done : unless_refused(done.error());
}

result<> upkeep::copy_log(bool and_cut) {
  // Pages that were given back leave the disk with the copying.
  const auto copy = [&] { return and_cut ? data_.checkpoint_and_cut() : data_.checkpoint(); };
  auto copied = copy();
  if (!copied && copied.error().code == errc::refused && ballast_.give_up()) copied = copy();
  if (!copied) return copied.error();
  if (and_cut) cut_was_held_up_ = !*copied;
  if (and_cut && *copied) to_be_cut_ = false;
  return {};
}

upkeep::next upkeep::what_is_left() const noexcept {
  if (was_refused_ || short_of_space()) return next::later;
  if (has_pages_to_give_) return next::soon;
  if (!to_be_cut_) return next::nothing;
  return cut_was_held_up_ ? next::later : next::soon;
}

result<> upkeep::give_pages_back(std::size_t pages_at_once) {
  const auto free = data_.number("PRAGMA freelist_count");
  if (!free) return free.error();
  const auto all = data_.number("PRAGMA page_count");
  if (!all) return all.error();
  const auto& limits = around_.limits;
  const bool had_some = has_pages_to_give_;
  has_pages_to_give_ = short_of_space()     ? *free > pages_kept_when_short
                       : has_pages_to_give_ ? *free > limits.free_pages_kept && *free > *all / 16
                                            : *free > limits.free_pages_most && *free > *all / 4;
  to_be_cut_ = to_be_cut_ || (had_some && !has_pages_to_give_);
  if (!has_pages_to_give_ || pages_at_once == 0) return {};
  return data_.run(("PRAGMA incremental_vacuum(" + std::to_string(pages_at_once) + ")").c_str());
}

void upkeep::note_size() { file_bytes_.store(bytes_of(data_), std::memory_order_relaxed); }

std::int64_t upkeep::log_pages_most() const noexcept {
  const auto by_room = static_cast<std::int64_t>(room() / share_of_room / page_bytes);
  return std::min(around_.limits.log_pages, std::max(by_room, pages_kept_when_short));
}

}  // namespace millrace::store
