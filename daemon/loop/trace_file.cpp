#include "loop/trace_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"

namespace millrace::loop {

namespace {

constexpr mode_t file_mode = 0600;
/// Kept free for what `finish` and a full file write: the last events need no check.
constexpr std::uint64_t bytes_for_the_end = 4096;

/// What is at `path`, if that is no regular file; empty: nothing is, or a regular file.
std::string_view other_kind(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0)
    return ::lstat(path.c_str(), &facts) == 0 ? "a symbolic link to nothing" : std::string_view{};
  if (S_ISREG(facts.st_mode)) return {};
  if (S_ISDIR(facts.st_mode)) return "a directory";
  if (S_ISFIFO(facts.st_mode)) return "a pipe";
  if (S_ISSOCK(facts.st_mode)) return "a socket";
  return "a device";
}

error not_regular(const std::string& path, std::string_view kind) {
  return {errc::io, path + " is " + std::string{kind} + ", no regular file"};
}

error not_made(const std::string& path, int reason) {
  if (const auto kind = other_kind(path); !kind.empty()) return not_regular(path, kind);
  return {reason == EEXIST ? errc::refused : errc::io, path + " cannot be made: " + system_message(reason)};
}

}  // namespace

result<std::shared_ptr<trace_file>> trace_file::open(const std::string& path, std::uint64_t bytes_max, bool may_exist) {
  // Without O_NONBLOCK, opening a pipe would wait for its reader.
  constexpr int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int descriptor = ::open(path.c_str(), flags | O_EXCL, file_mode);
  const bool is_new = descriptor >= 0;
  if (!is_new && errno == EEXIST && may_exist) descriptor = ::open(path.c_str(), flags, file_mode);
  if (descriptor < 0) return not_made(path, errno);
  std::shared_ptr<trace_file> made{new trace_file{path, descriptor, is_new, bytes_max}};
  if (const auto prepared = made->prepare(); !prepared) return prepared.error();
  return made;
}

result<> trace_file::prepare() {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) return not_made(path_, errno);
  if (!S_ISREG(facts.st_mode)) return not_regular(path_, other_kind(path_));
  constexpr mode_t of_others = 0077;
  if ((facts.st_mode & of_others) != 0 && ::fchmod(descriptor_, file_mode) != 0)
    return error{errc::io, path_ + " can be read by others, and that cannot be changed: " + system_message(errno)};
  // Only now, since it is known to be regular and private.
  if (::ftruncate(descriptor_, 0) != 0) return error{errc::io, path_ + " cannot be emptied: " + system_message(errno)};
  text_.add_group(trace_group::tasks, "tasks");
  text_.add_group(trace_group::threads, "threads");
  text_.add_group(trace_group::processes, "worker processes");
  text_.add_group(trace_group::store, "store");
  text_.add_group(trace_group::jobs, "jobs");
  if (const int reason = try_write(); reason != 0)
    return error{errc::io, path_ + " cannot be written: " + system_message(reason)};
  return {};
}

trace_file::trace_file(std::string path, int descriptor, bool is_new, std::uint64_t bytes_max)
    : path_{std::move(path)}, descriptor_{descriptor}, is_new_{is_new}, bytes_max_{bytes_max} {}

trace_file::~trace_file() {
  close();
  if (is_new_ && !has_begun_) ::unlink(path_.c_str());
}

void trace_file::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::string_view trace_file::keep_name(std::string_view name) { return *names_.emplace(name).first; }

void trace_file::append(const trace_chunk& chunk) {
  if (current() != state::open) return;
  auto work = chunk.works.begin();
  for (const auto& event : chunk.events) {
    const auto before = text_.size();
    text_.add(event, event.type == trace_event::kind::work ? &*work++ : nullptr);
    keep_limit(before, event.at);
    if (current() != state::open) break;
  }
  write();
}

void trace_file::keep_limit(std::size_t before, instant at) {
  if (end_ + text_.size() + bytes_for_the_end <= bytes_max_) return;
  text_.cut(before);
  text_.add_note("the trace is full", "bytes_max", bytes_max_, at);
  state_.store(state::full, std::memory_order_release);
  log::warning("trace_full", "the trace has reached its limit: further events are left out, and the file is complete",
               {{"file", path_}, {"bytes_max", bytes_max_}});
}

void trace_file::finish(instant at, std::uint64_t left_out) {
  if (descriptor_ < 0) return;
  if (current() != state::failed) {
    if (left_out > 0) text_.add_note("events left out", "count", left_out, at);
    write();
  }
  close();
  text_ = {};
  names_ = {};
  auto expected = state::open;
  state_.compare_exchange_strong(expected, state::complete, std::memory_order_acq_rel);
}

void trace_file::write() {
  const int reason = try_write();
  if (reason == 0) return;
  state_.store(state::failed, std::memory_order_release);
  log::warning("trace_failed", "the trace cannot be written any more: further events are left out",
               {{"file", path_}, {"reason", system_message(reason)}});
  cut_off();
}

int trace_file::try_write() {
  const auto events = text_.size();
  text_.add_end();
  const auto text = text_.view();
  std::size_t done = 0;
  while (done < text.size()) {
    const auto written = ::pwrite(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(end_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    done += static_cast<std::size_t>(written);
  }
  end_ += events;
  bytes_.store(end_ + trace_text::end_bytes, std::memory_order_relaxed);
  text_.clear();
  return 0;
}

void trace_file::cut_off() {
  text_.clear();
  text_.add_end();
  const auto closing = text_.view();
  // In place of the bracket that was there before: this needs no space.
  [[maybe_unused]] const auto closed = ::pwrite(descriptor_, closing.data(), closing.size(), static_cast<off_t>(end_));
  [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(end_ + closing.size()));
}

}  // namespace millrace::loop
