#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/batch.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

/// A queue as it stands in the file.
struct kept_queue {
  queue_number number{0};
  std::string name;
  bool paused{false};
  instant paused_until{};  ///< `never`: until somebody ends it
  duration paused_for{0};
};

/// Rows back into values, row after row in the order of the file. Whatever a row holds that no writer of ours wrote is an error that names
/// the row; a damaged file is an error in SQLite's words.
class reader {
 public:
  /// `wall_offset`: see wall_clock.
  reader(sqlite::connection& in, duration wall_offset) noexcept : in_{in}, wall_offset_{wall_offset} {}

  [[nodiscard]] result<> each_queue(const std::function<void(kept_queue&&)>& take);
  /// Jobs in order of id, then buried ones in the order in which they were buried. Their queue is the number in the file; the last
  /// argument is the number of the burying. Of buried jobs two numbers each are held in memory, of others nothing.
  ///
  /// Bodies are brought along up to the first one with which they would take more than `body_bytes_max` of memory. That one and those after
  /// it, empty ones excepted, are left on disk, and pages that hold nothing but such bodies are not read.
  using take_job = std::function<result<>(engine::kept_job&&, queue_number, std::uint64_t burying)>;
  [[nodiscard]] result<> each_job(const take_job& take, std::uint64_t body_bytes_max = UINT64_MAX);
  /// The highest id that may have been given out.
  [[nodiscard]] result<std::uint64_t> id_mark();

 private:
  struct row;
  struct stream;
  [[nodiscard]] result<sqlite::statement> job_rows(bool with_bodies, std::string_view which);
  /// False: there are more, to be had without their bodies.
  [[nodiscard]] result<bool> each_unburied(stream& all);
  [[nodiscard]] result<> each_buried(stream& all);
  [[nodiscard]] result<> give(sqlite::statement& from, bool with_bodies, stream& all) const;
  [[nodiscard]] result<> read_job(sqlite::statement& from, row& into) const;

  sqlite::connection& in_;
  duration wall_offset_;
};

}  // namespace millrace::store
