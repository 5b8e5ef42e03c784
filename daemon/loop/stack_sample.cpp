#include "loop/stack_sample.hpp"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>

namespace millrace::loop {

namespace {

// --- by a signal -----------------------------------------------------------------------------------------------------

/// What a request and the signal handler share. There is one for the process, and one request at a time.
struct exchange_with_handler {
  enum class phase : std::uint32_t { idle, requested, taking, taken };
  struct state {
    std::uint32_t request;  ///< so that a signal that comes late does not answer the next request
    phase now;
  };

  std::mutex one_request;
  std::uint32_t requests{0};  ///< under `one_request`
  std::atomic<state> present{{0, phase::idle}};
  static_assert(std::atomic<state>::is_always_lock_free);
  sem_t taken{};
  std::array<std::uintptr_t, stack_sample::frames_max> addresses{};
  std::size_t count{0};
};

exchange_with_handler& shared() {
  static exchange_with_handler one;
  return one;
}

using phase = exchange_with_handler::phase;

/// glibc and systemd use none of these; the lowest are taken by some libraries.
int sample_signal() noexcept { return SIGRTMIN + 9; }

struct unwinding {
  exchange_with_handler& into;
  bool is_behind_handler{false};
};

/// The first frame that a signal interrupted is the one where the thread is; those before are the handler's.
_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* argument) {
  auto& unwound = *static_cast<unwinding*>(argument);
  int is_interrupted = 0;
  const auto address = _Unwind_GetIPInfo(context, &is_interrupted);
  if (is_interrupted != 0) unwound.is_behind_handler = true;
  if (!unwound.is_behind_handler) return _URC_NO_REASON;
  auto& into = unwound.into;
  if (into.count == into.addresses.size() || address == 0) return _URC_END_OF_STACK;
  // A return address may be that of the next function already. One byte before it is the call.
  into.addresses[into.count++] = is_interrupted != 0 ? address : address - 1;
  return _URC_NO_REASON;
}

/// Signal handler: only async-signal-safe calls.
void take_sample(int, siginfo_t* info, void*) {
  const int error_before = errno;
  auto& at = shared();
  auto expected = exchange_with_handler::state{static_cast<std::uint32_t>(info->si_value.sival_int), phase::requested};
  if (info->si_code == SI_QUEUE &&
      at.present.compare_exchange_strong(expected, {expected.request, phase::taking}, std::memory_order_acquire)) {
    at.count = 0;
    unwinding unwound{at};
    _Unwind_Backtrace(note_frame, &unwound);
    at.present.store({expected.request, phase::taken}, std::memory_order_release);
    ::sem_post(&at.taken);
  }
  errno = error_before;
}

void install_handler() {
  static const bool installed = [] {
    ::sem_init(&shared().taken, 0, 0);
    struct sigaction action {};
    action.sa_sigaction = take_sample;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigfillset(&action.sa_mask);
    ::sigaction(sample_signal(), &action, nullptr);
    // The first call may load a library.
    _Unwind_Backtrace([](_Unwind_Context*, void*) { return _URC_END_OF_STACK; }, nullptr);
    return true;
  }();
  static_cast<void>(installed);
  sigset_t own;
  ::sigemptyset(&own);
  ::sigaddset(&own, sample_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
}

bool wait_for_sample(sem_t& taken, instant until) {
  const auto whole = std::chrono::floor<seconds>(until.time_since_epoch());
  const timespec at{whole.count(), (until.time_since_epoch() - whole).count()};
  int waited = 0;
  do {
    waited = ::sem_clockwait(&taken, CLOCK_MONOTONIC, &at);
  } while (waited != 0 && errno == EINTR);
  return waited == 0;
}

std::optional<stack_sample> sample_by_signal(pthread_t thread, instant until) {
  auto& at = shared();
  const std::lock_guard hold{at.one_request};
  const auto request = ++at.requests;
  at.present.store({request, phase::requested}, std::memory_order_release);
  sigval value{};
  value.sival_int = static_cast<int>(request);
  if (::pthread_sigqueue(thread, sample_signal(), value) != 0) return std::nullopt;
  if (!wait_for_sample(at.taken, until)) {
    auto expected = exchange_with_handler::state{request, phase::requested};
    if (at.present.compare_exchange_strong(expected, {request, phase::idle})) return std::nullopt;
    // The handler runs now: it takes microseconds.
    while (::sem_wait(&at.taken) != 0) {
    }
  }
  // The handler has stored its frames before this phase.
  if (at.present.load(std::memory_order_acquire).now != phase::taken) return std::nullopt;
  const auto frames = at.addresses.begin();
  return stack_sample{{frames, frames + static_cast<std::ptrdiff_t>(at.count)}, true};
}

// --- by reading ------------------------------------------------------------------------------------------------------

/// What /proc says of a thread (proc(5), `syscall`).
struct thread_state {
  bool runs{false};
  long call{-1};
  std::array<std::uintptr_t, 6> arguments{};
  std::uintptr_t stack{0};
  std::uintptr_t instruction{0};
};

std::optional<thread_state> state_of(pid_t thread_id) {
  std::ifstream file{"/proc/self/task/" + std::to_string(thread_id) + "/syscall"};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  thread_state state;
  if (line.starts_with("running")) {
    state.runs = true;
    return state;
  }
  std::istringstream words{line};
  words >> state.call;
  words >> std::hex;
  const auto read = [&words](std::uintptr_t& value) {
    std::string word;
    if (words >> word) value = std::stoull(word, nullptr, 16);
  };
  if (state.call >= 0) std::ranges::for_each(state.arguments, read);
  read(state.stack);
  read(state.instruction);
  return state;
}

bool is_socket(std::uintptr_t descriptor) {
  struct stat facts {};
  return ::fstat(static_cast<int>(descriptor), &facts) != 0 || S_ISSOCK(facts.st_mode);
}

/// The call goes on after a signal whose handler has SA_RESTART (signal(7)). Those of a socket may not: it can have a
/// timeout. Nor may a futex with one.
bool goes_on_after_a_signal(const thread_state& state) {
  switch (state.call) {
    case SYS_read:
    case SYS_write:
    case SYS_readv:
    case SYS_writev:
      return !is_socket(state.arguments[0]);
    case SYS_futex:
      return state.arguments[3] == 0;
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_flock:
    case SYS_openat:
    case SYS_wait4:
    case SYS_waitid:
      return true;
    default:
      return false;
  }
}

/// Memory of this process, read without a fault and without a system call that service managers forbid.
class own_memory {
 public:
  own_memory() : descriptor_{::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)} {}
  ~own_memory() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  own_memory(const own_memory&) = delete;
  own_memory& operator=(const own_memory&) = delete;

  /// Bytes that could be read.
  std::size_t read(std::uintptr_t address, void* into, std::size_t size) const {
    const auto bytes = ::pread(descriptor_, into, size, static_cast<off_t>(address));
    return bytes < 0 ? 0 : static_cast<std::size_t>(bytes);
  }

 private:
  int descriptor_;
};

#if defined(__x86_64__)
/// Whether a call instruction ends before `address`: E8 with four bytes, or FF /2 with none to five.
bool is_behind_call(const own_memory& memory, std::uintptr_t address) {
  std::array<std::uint8_t, 7> code{};
  if (memory.read(address - code.size(), code.data(), code.size()) != code.size()) return false;
  if (code[2] == 0xE8) return true;
  for (std::size_t at = 0; at + 1 < code.size(); ++at) {
    if (code[at] == 0xFF && ((code[at + 1] >> 3) & 7) == 2) return true;
  }
  return false;
}

std::optional<stack_sample> sample_by_reading(const thread_state& state, std::uintptr_t stack_end) {
  constexpr std::size_t words_max = std::size_t{8} * 1024;
  constexpr std::uintptr_t lowest_address = 4096;  // nothing is mapped below
  if (state.stack == 0 || state.stack >= stack_end) return std::nullopt;
  const own_memory memory;
  std::vector<std::uintptr_t> words(std::min((stack_end - state.stack) / sizeof(std::uintptr_t), words_max));
  words.resize(memory.read(state.stack, words.data(), words.size() * sizeof(std::uintptr_t)) / sizeof(std::uintptr_t));
  stack_sample sample{{state.instruction}, false};
  for (const auto word : words) {
    Dl_info found{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of code, which is only looked up
    if (word < lowest_address || ::dladdr(reinterpret_cast<void*>(word), &found) == 0) continue;
    if (!is_behind_call(memory, word)) continue;
    sample.addresses.push_back(word - 1);
    if (sample.addresses.size() == stack_sample::frames_max) break;
  }
  return sample;
}
#else
std::optional<stack_sample> sample_by_reading(const thread_state&, std::uintptr_t) { return std::nullopt; }
#endif

std::uintptr_t end_of_stack(pthread_t thread) {
  pthread_attr_t attributes;
  if (::pthread_getattr_np(thread, &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t size = 0;
  ::pthread_attr_getstack(&attributes, &lowest, &size);
  ::pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uintptr_t>(lowest) + size;
}

}  // namespace

stack_sampler::stack_sampler() : thread_{::pthread_self()}, thread_id_{::gettid()}, stack_end_{end_of_stack(thread_)} {
  install_handler();
}

std::optional<stack_sample> stack_sampler::take(instant until) const {
  const auto state = state_of(thread_id_);
  if (!state) return std::nullopt;
  // Between this look and the signal the thread could enter another system call. It has been where it is for the
  // threshold of a stall, so that is unlikely.
  if (state->runs || goes_on_after_a_signal(*state)) return sample_by_signal(thread_, until);
  return sample_by_reading(*state, stack_end_);
}

}  // namespace millrace::loop
