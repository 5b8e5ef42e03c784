#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>

#include "loop/mailbox.hpp"
#include "store/sqlite.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

/// The answer to one request for a body.
struct body_found {
  job_id job;
  result<body> content;
};

/// Reads bodies from disk on a thread of its own, with a read-only connection, beside the loop and the writer. It takes
/// all open requests at once, reads the bodies in slices, each in order of id (neighbours share pages), and rings after
/// each slice.
///
/// It waits for a lock that another process holds. A body that the disk does not give is tried three times, over new
/// connections; then it is an error of that body alone. A damaged body is an error at once. The first connection is
/// made at once: later clients may have taken every descriptor of the process.
///
/// Owned by the store on the loop's thread. `end` stops it after the body at hand, or after a piece of it if it is
/// large; requests that are left are dropped.
class body_reader {
 public:
  /// Requires: another connection of this process stays open while this object lives, because the last connection that
  /// closes deletes the log.
  body_reader(std::string data_file, const char* vfs, lock_wait_limits lock_limits, loop::mailbox& to_loop);
  ~body_reader();  ///< ends and joins
  body_reader(const body_reader&) = delete;
  body_reader& operator=(const body_reader&) = delete;

  /// Loop thread. Each request gets an answer, also the second one for the same body.
  void read(std::span<const job_id> jobs);
  /// Loop thread: replaces the content of `into` by the answers since the last call.
  void take_found(std::vector<body_found>& into);
  /// Loop thread: rings when nothing is left to do.
  void end();
  /// Loop thread: the thread has nothing left to do; destroying it does not block.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

 private:
  struct open_file {
    sqlite::connection connection;
    sqlite::statement body_of;
    sqlite::statement length_of;
    bool in_slice{false};  ///< a transaction is open
  };

  void serve();
  [[nodiscard]] bool wait(std::vector<job_id>& into);
  std::size_t read_slice(std::span<job_id> from);
  [[nodiscard]] result<body> read(job_id job);
  [[nodiscard]] result<body> read_once(job_id job);
  [[nodiscard]] bool wait_for_lock(duration time);
  enum class at_a_lock { wait, fail };
  [[nodiscard]] result<open_file> connect(at_a_lock behaviour);
  [[nodiscard]] result<> open();
  void renew();
  void warn_limited(std::string_view event, std::string_view sentence, job_id job, const error& cause);
  [[nodiscard]] result<body> look_up(job_id job);
  [[nodiscard]] result<body> look_up_large(job_id job);

  const std::string path_;
  const char* const vfs_;
  const lock_wait_limits lock_limits_;
  loop::mailbox& to_loop_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<job_id> asked_;
  std::vector<body_found> found_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> ended_{false};

  // The thread's own.
  std::optional<open_file> data_;
  bool disk_fails_{false};                 ///< the last body could not be read
  std::optional<stopwatch> last_warning_;  ///< since then
  std::vector<body_found> slice_;
  std::thread thread_;
};

}  // namespace millrace::store
