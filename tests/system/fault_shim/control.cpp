#include "control.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace fault_shim {

namespace {

constexpr std::size_t descriptors_max = 1 << 16;
constexpr ::timespec poll_interval{0, 500'000};

control* steering_file{nullptr};
std::atomic<std::uint8_t> files[descriptors_max];

[[noreturn]] void die() noexcept {
  ::syscall(SYS_kill, ::getpid(), SIGKILL);
  for (;;) ::pause();
}

// The functions of a sanitizer call these. So nothing here may call a function that a sanitizer replaces: system calls
// only.
__attribute__((constructor)) void begin() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const path = std::getenv("MILLRACE_FAULT_CONTROL");
  if (path == nullptr) return;
  const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC));
  if (file < 0) std::abort();
  const long at = ::syscall(SYS_mmap, nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::syscall(SYS_close, file);
  if (at < 0 && at > -4096) std::abort();
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the system call returns the address as a number
  auto* const mapped = reinterpret_cast<control*>(at);
  if (mapped->magic.load() != magic_number) std::abort();
  steering_file = mapped;
}

std::uint32_t bit_of_name(const char* path) noexcept {
  const char* const slash = std::strrchr(path, '/');
  const char* const name = slash == nullptr ? path : slash + 1;
  if (std::strcmp(name, "millrace.db") == 0) return data_file;
  if (std::strcmp(name, "millrace.db-wal") == 0) return log_file;
  if (std::strcmp(name, "millrace.db-shm") == 0) return index_file;
  if (std::strcmp(name, "millrace.lock") == 0) return lock_file;
  return other_file;
}

}  // namespace

const control* steered() noexcept { return steering_file; }

std::uint32_t file_of(const char* path) noexcept {
  if (steering_file == nullptr || path == nullptr) return no_file;
  const std::size_t length = ::strnlen(steering_file->directory, sizeof steering_file->directory);
  if (length == 0 || std::strncmp(path, steering_file->directory, length) != 0) return no_file;
  return path[length] == '\0' || path[length] == '/' ? bit_of_name(path) : no_file;
}

std::uint32_t file_of(int descriptor) noexcept {
  const bool is_tracked = descriptor >= 0 && static_cast<std::size_t>(descriptor) < descriptors_max;
  return is_tracked ? files[descriptor].load(std::memory_order_relaxed) : 0u;
}

std::uint32_t file_of(int directory, const char* path) noexcept {
  if (path == nullptr || path[0] == '/' || directory == AT_FDCWD) return file_of(path);
  return file_of(directory) != no_file ? bit_of_name(path) : no_file;
}

void remember(int descriptor, std::uint32_t file) noexcept {
  if (descriptor >= 0 && static_cast<std::size_t>(descriptor) < descriptors_max) {
    files[descriptor].store(static_cast<std::uint8_t>(file), std::memory_order_relaxed);
  }
}

void forget(int descriptor) noexcept { remember(descriptor, no_file); }

attempt::attempt(call kind, std::uint32_t file) noexcept {
  if (steering_file == nullptr || file == no_file) return;
  const std::uint64_t wanted = steering_file->calls[static_cast<std::size_t>(kind)].files;
  if (wanted == 0 || (wanted & file) != 0) begin(kind);
}

attempt::attempt(call kind) noexcept {
  if (steering_file != nullptr) begin(kind);
}

void attempt::begin(call kind) noexcept {
  steering& controls = steering_file->calls[static_cast<std::size_t>(kind)];
  const std::uint64_t ordinal = controls.calls.fetch_add(1) + 1;
  if (controls.stall != 0) {
    controls.stalled.fetch_add(1);
    while (controls.stall != 0) ::syscall(SYS_nanosleep, &poll_interval, nullptr);
    controls.stalled.fetch_sub(1);
  }
  if (const std::uint64_t delay = controls.delay_microseconds; delay != 0) {
    const ::timespec pause{static_cast<time_t>(delay / 1'000'000), static_cast<long>(delay % 1'000'000 * 1'000)};
    ::syscall(SYS_nanosleep, &pause, nullptr);
  }
  const auto chosen = static_cast<action>(controls.action.load());
  const std::uint64_t first = controls.first;
  if (chosen == action::none || ordinal < first || ordinal - first >= controls.times) return;
  controls.faults.fetch_add(1);
  if (chosen == action::kill) die();
  action_ = chosen;
  error_ = static_cast<int>(controls.error);
}

attempt::~attempt() {
  if (action_ == action::kill_after || action_ == action::tear_and_kill) die();
}

bool attempt::fails() const noexcept {
  if (action_ != action::fail) return false;
  errno = error_;
  return true;
}

std::size_t attempt::limit(std::size_t length) const noexcept {
  return action_ == action::tear || action_ == action::tear_and_kill ? (length + 1) / 2 : length;
}

}  // namespace fault_shim
