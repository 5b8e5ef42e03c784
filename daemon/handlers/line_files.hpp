#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// When lines in a file are synced to the disk.
enum class line_sync {
  none,     ///< when the system writes them
  each,     ///< before their jobs are done
  interval  ///< by `sync_and_close`, and when the file is closed for another one or was replaced
};

/// Files to which lines are appended. `add`, `withdraw` and `open_files` may be called by any thread; the others block
/// and belong to one I/O thread. The destructor closes the files.
///
/// A line that cannot be written as a whole is cut off again, so that no part of it stays. If another program has
/// appended to the file meanwhile, the part stays, and a newline is written before the next line. The same happens when
/// a file that is opened ends with an unfinished line. A file that was renamed or removed is opened again under its
/// name before the next write. Only regular files are written. A file that does not exist is made; its directory must
/// exist.
class line_files {
 public:
  static constexpr std::size_t write_bytes_max = std::size_t{256} * 1024;

  /// A line of a job. After `add` it belongs to the I/O thread until its `outcome` is read there.
  struct line {
    std::string path;
    body content;  ///< without the newline
    instant now{};
    std::optional<result<std::string>> outcome;
    bool withdrawn{false};
  };

  /// At most `files_max` files are open; the one that was used least recently is closed for another.
  line_files(line_sync sync, std::size_t files_max);
  ~line_files();
  line_files(const line_files&) = delete;
  line_files& operator=(const line_files&) = delete;

  void add(std::shared_ptr<line> added);
  /// The line is not written any more, unless its write has begun.
  void withdraw(line& withdrawn);
  /// Returns the outcome of a line that was added. If it has none yet, writes all lines that were added and sets their
  /// outcomes. With `line_sync::each`, one sync for each file. A line that is withdrawn meanwhile is `cancelled`.
  [[nodiscard]] result<std::string> write(const line& wanted);
  /// With `line_sync::interval`, syncs what was written since the last call; a file that cannot be synced is logged
  /// (`file_not_synced`). Closes files that got no line since `unused_since`.
  void sync_and_close(instant unused_since);
  [[nodiscard]] std::size_t open_files() const noexcept { return open_.load(std::memory_order_relaxed); }

 private:
  struct file;
  using lines = std::vector<line*>;

  void write_pending();
  void write_to(const std::string& path, const lines& group);
  result<std::string> append(file& into, lines::const_iterator& next, lines::const_iterator end);
  [[nodiscard]] result<file*> find_or_open(const std::string& path);
  /// With `line_sync::interval`, syncs what the file got since its last sync. A failure is logged.
  void sync_by_interval(file& target);
  void close(std::list<file>::iterator closed);

  line_sync sync_;
  std::size_t files_max_;
  std::mutex lock_;  ///< guards `pending_` and `line::withdrawn`
  std::vector<std::shared_ptr<line>> pending_;
  std::list<file> files_;  ///< the one used last comes first
  std::unordered_map<std::string_view, std::list<file>::iterator> by_path_;
  std::atomic<std::size_t> open_{0};
};

}  // namespace millrace::handlers
