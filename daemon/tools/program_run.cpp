#include "tools/program_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/system_message.hpp"
#include "base/utf8.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves the declaration to the program

namespace millrace::tools {
namespace {

using clock = std::chrono::steady_clock;

class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_{number} {}
  ~descriptor() { close(); }
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&&) = delete;

  [[nodiscard]] int number() const noexcept { return number_; }
  void close() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

struct pipe_ends {
  descriptor read, write;
};

result<pipe_ends> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return error{errc::io, system_message(errno)};
  return pipe_ends{descriptor{ends[0]}, descriptor{ends[1]}};
}

struct spawn_actions {
  spawn_actions(int output, int error_output) {
    posix_spawn_file_actions_init(&value);
    posix_spawn_file_actions_addopen(&value, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&value, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&value, error_output, STDERR_FILENO);
  }
  ~spawn_actions() { posix_spawn_file_actions_destroy(&value); }
  spawn_actions(const spawn_actions&) = delete;
  spawn_actions& operator=(const spawn_actions&) = delete;

  posix_spawn_file_actions_t value{};
};

/// A program that is started has the usual effect of SIGPIPE, which this program ignores.
struct spawn_attributes {
  spawn_attributes() {
    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&value);
    posix_spawnattr_setsigdefault(&value, &defaults);
    posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGDEF);
  }
  ~spawn_attributes() { posix_spawnattr_destroy(&value); }
  spawn_attributes(const spawn_attributes&) = delete;
  spawn_attributes& operator=(const spawn_attributes&) = delete;

  posix_spawnattr_t value{};
};

result<pid_t> start(const std::vector<std::string>& command, int output, int error_output) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::string unbuffered = "PYTHONUNBUFFERED=1";
  std::vector<char*> environment{unbuffered.data()};
  for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
  environment.push_back(nullptr);
  const spawn_actions actions{output, error_output};
  pid_t child = 0;
  const spawn_attributes attributes;
  const int failure =
      ::posix_spawnp(&child, words.front(), &actions.value, &attributes.value, words.data(), environment.data());
  if (failure != 0) return error{errc::not_found, command.front() + ": " + system_message(failure)};
  return child;
}

/// A text that can stand in JSON and SVG: if it is not UTF-8, each of its bytes above ASCII is a question mark.
std::string readable(std::string_view line) {
  std::string text{utf8_prefix(line, kept_line_bytes_max)};
  if (!is_utf8(text))
    std::ranges::replace_if(
        text, [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; }, '?');
  return text;
}

class line_reader {
 public:
  explicit line_reader(program_run& into) : into_{into} {}

  void take(std::string_view bytes, duration at) {
    for (const char byte : bytes) {
      if (byte == '\n') {
        end_line(at);
      } else {
        has_more_ = true;
        if (line_.size() <= kept_line_bytes_max) line_ += byte;
      }
    }
  }
  /// The last line may lack its newline.
  void end(duration at) {
    if (has_more_) end_line(at);
  }

 private:
  void end_line(duration at) {
    ++into_.line_count;
    if (into_.lines.size() < kept_lines_max) into_.lines.push_back({at, readable(line_)});
    line_.clear();
    has_more_ = false;
  }

  program_run& into_;
  std::string line_;
  bool has_more_{false};
};

class output_reader {
 public:
  output_reader(program_run& into, clock::time_point began) : into_{into}, lines_{into}, began_{began} {}

  /// Reads both streams until the program has ended. Processes that it left may keep them open, and are not waited for.
  void read(int program, int output, int error_output) {
    std::array<pollfd, 3> sources{{{program, POLLIN, 0}, {output, POLLIN, 0}, {error_output, POLLIN, 0}}};
    while (sources[0].revents == 0) {
      if (::poll(sources.data(), sources.size(), -1) < 0) continue;  // EINTR
      for (std::size_t n = 1; n < sources.size(); ++n) {
        auto& stream = sources.at(n);
        if (stream.revents != 0 && take(stream.fd, stream.fd == output, part_.size()) == 0) stream.fd = -1;
      }
    }
    for (const int stream : {output, error_output}) take_rest(stream, stream == output);
    lines_.end(clock::now() - began_);
  }

 private:
  /// The number of bytes; 0: the end.
  std::size_t take(int stream, bool is_output, std::size_t bytes_max) {
    const auto got = ::read(stream, part_.data(), std::min(bytes_max, part_.size()));
    if (got <= 0) return 0;
    const std::string_view bytes{part_.data(), static_cast<std::size_t>(got)};
    if (is_output) {
      lines_.take(bytes, clock::now() - began_);
    } else {
      into_.error_output += bytes;
      if (into_.error_output.size() > kept_error_bytes_max)
        into_.error_output.erase(0, into_.error_output.size() - kept_error_bytes_max);
    }
    return bytes.size();
  }
  /// What is in the pipe now.
  void take_rest(int stream, bool is_output) {
    int left = 0;
    if (::ioctl(stream, FIONREAD, &left) != 0) return;
    while (left > 0) {
      const auto got = take(stream, is_output, static_cast<std::size_t>(left));
      if (got == 0) return;
      left -= static_cast<int>(got);
    }
  }

  program_run& into_;
  line_reader lines_;
  clock::time_point began_;
  std::array<char, 65536> part_{};
};

duration length_of(const timeval& time) { return seconds{time.tv_sec} + microseconds{time.tv_usec}; }

}  // namespace

result<program_run> run_program(const std::vector<std::string>& command) {
  auto output = open_pipe();
  if (!output) return output.error();
  auto error_output = open_pipe();
  if (!error_output) return error_output.error();
  program_run run;
  const auto began = clock::now();
  const auto child = start(command, output->write.number(), error_output->write.number());
  if (!child) return child.error();
  output->write.close();
  error_output->write.close();
  const descriptor end{static_cast<int>(::syscall(SYS_pidfd_open, *child, 0))};
  if (end.number() < 0) {
    const error failure{errc::io, system_message(errno)};
    ::kill(*child, SIGKILL);
    ::waitpid(*child, nullptr, 0);
    return failure;
  }
  output_reader{run, began}.read(end.number(), output->read.number(), error_output->read.number());
  int status = 0;
  rusage used{};
  while (::wait4(*child, &status, 0, &used) < 0 && errno == EINTR) {
  }
  run.wall = clock::now() - began;
  run.status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  run.cpu = length_of(used.ru_utime) + length_of(used.ru_stime);
  run.peak_memory_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  run.context_switches = static_cast<std::uint64_t>(used.ru_nvcsw) + static_cast<std::uint64_t>(used.ru_nivcsw);
  return run;
}

}  // namespace millrace::tools
