#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

/// The shared library that tests preload into the daemon. It counts the calls that the daemon makes of the operating
/// system and makes chosen ones fail, wait or kill the process. A test steers it through a file that both map
/// (tests/system/fault_control.py has the same layout).
namespace fault_shim {

/// The order is that of `CALLS` in fault_control.py.
enum class call : std::uint32_t {
  open,
  mkdir,
  read,
  write,
  sync,
  truncate,
  allocate,
  unlink,
  rename,
  lock,
  unlock,
  map,  // of the data directory
  socket,
  bind,
  listen,
  accept,
  epoll_create,
  eventfd,
  timerfd_create,
  thread_create,
  count_of_calls  // of the whole process
};

/// Bits of `steering::files`, by the name of the file.
enum file_bit : std::uint32_t {
  no_file = 0,
  data_file = 1,
  log_file = 2,
  index_file = 4,
  lock_file = 8,
  other_file = 16
};

enum class action : std::uint64_t { none, fail, kill, kill_after, tear, tear_and_kill };

/// How the calls of one class are treated. A field is read once a call, so the test writes `action` last.
struct steering {
  std::atomic<std::uint64_t> calls;    ///< made so far, those of `files` only
  std::atomic<std::uint64_t> faults;   ///< of them those that met `action`
  std::atomic<std::uint64_t> stalled;  ///< that wait now, because of `stall`
  std::atomic<std::uint64_t> action;   ///< an `action`, for the calls `first` to `first + times - 1`
  std::atomic<std::uint64_t> first;    ///< the first call is 1
  std::atomic<std::uint64_t> times;
  std::atomic<std::uint64_t> error;  ///< errno of calls that fail
  std::atomic<std::uint64_t> files;  ///< which files the class is about; 0: all of the data directory
  std::atomic<std::uint64_t> delay_microseconds;
  std::atomic<std::uint64_t> stall;  ///< not 0: every call waits until it is 0 again
};

struct control {
  std::atomic<std::uint64_t> magic;
  std::atomic<std::uint64_t> free_bytes;       ///< of the data directory, for statvfs; UINT64_MAX: the true number
  std::atomic<std::int64_t> wall_nanoseconds;  ///< added to the wall clock
  std::atomic<std::int64_t>
      steady_nanoseconds;  ///< added to the clocks that count from the boot; fixed while the process lives
  steering calls[static_cast<std::size_t>(call::count_of_calls)];
  char directory[4'096];  ///< absolute path of the data directory, ends with 0
};

inline constexpr std::uint64_t magic_number = 0x6d696c6c72616365;

/// nullptr when the process is not steered, and until this library has been initialised.
[[nodiscard]] const control* steered() noexcept;

/// The bit of a file of the data directory; `no_file` for any other.
[[nodiscard]] std::uint32_t file_of(const char* path) noexcept;
[[nodiscard]] std::uint32_t file_of(int descriptor) noexcept;
[[nodiscard]] std::uint32_t file_of(int directory, const char* path) noexcept;
void remember(int descriptor, std::uint32_t file) noexcept;
void forget(int descriptor) noexcept;

/// One call in progress: waits as long as the test wants, then decides whether the call fails.
class attempt {
 public:
  /// `file` is `no_file` where the call is about something that no test steers.
  attempt(call kind, std::uint32_t file) noexcept;
  explicit attempt(call kind) noexcept;  ///< of the whole process
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;
  ~attempt();  ///< kills, if that is to happen after the call

  /// True: the call is not to be made; errno is set.
  [[nodiscard]] bool fails() const noexcept;
  /// The number of bytes that a write of `length` may write.
  [[nodiscard]] std::size_t limit(std::size_t length) const noexcept;

 private:
  void begin(call kind) noexcept;

  action action_{action::none};
  int error_{0};
};

}  // namespace fault_shim
