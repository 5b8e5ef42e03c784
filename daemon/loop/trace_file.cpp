#include "loop/trace_file.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/json_string.hpp"
#include "base/log.hpp"
#include "base/system_message.hpp"
#include "base/utf8.hpp"

namespace millrace::loop {

namespace {

constexpr mode_t file_mode = 0600;
constexpr std::string_view closing = "\n]\n";
/// Kept free for what `finish` and a full file write: the last events need no check.
constexpr std::uint64_t bytes_for_the_end = 4096;

void append_number(std::string& to, std::uint64_t value) {
  std::array<char, 20> digits;  // NOLINT(cppcoreguidelines-pro-type-member-init): `to_chars` fills it
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

/// Microseconds with three digits.
void append_time(std::string& to, duration length) {
  constexpr std::uint64_t per_microsecond = 1000;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max(length, duration::zero()).count());
  append_number(to, nanoseconds / per_microsecond);
  const auto rest = nanoseconds % per_microsecond;
  to += '.';
  to += static_cast<char>('0' + rest / 100);
  to += static_cast<char>('0' + rest / 10 % 10);
  to += static_cast<char>('0' + rest % 10);
}

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

bool is_readable(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) == 0x7f;
  });
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
  add_group(trace_group::tasks, "tasks");
  add_group(trace_group::threads, "threads");
  add_group(trace_group::processes, "worker processes");
  add_group(trace_group::store, "store");
  add_group(trace_group::jobs, "jobs");
  if (const int reason = try_write(); reason != 0)
    return error{errc::io, path_ + " cannot be written: " + system_message(reason)};
  return {};
}

trace_file::trace_file(std::string path, int descriptor, bool is_new, std::uint64_t bytes_max)
    : path_{std::move(path)}, descriptor_{descriptor}, is_new_{is_new}, bytes_max_{bytes_max} {
  text_ = "[";
}

trace_file::~trace_file() {
  close();
  if (is_new_ && !has_begun_) ::unlink(path_.c_str());
}

void trace_file::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

std::string_view trace_file::keep_name(std::string_view name) { return *names_.emplace(name).first; }

void trace_file::append(const trace_chunk& events) {
  if (current() != state::open) return;
  for (const auto& event : events) {
    add(event);
    if (current() != state::open) break;
  }
  write();
}

void trace_file::finish(instant at, std::uint64_t left_out) {
  if (descriptor_ < 0) return;
  if (current() != state::failed) {
    if (left_out > 0) add_note("events left out", "count", left_out, at);
    write();
  }
  close();
  text_ = {};
  states_ = {};
  names_ = {};
  auto expected = state::open;
  state_.compare_exchange_strong(expected, state::complete, std::memory_order_acq_rel);
}

void trace_file::add(const trace_event& event) {
  using kind = trace_event::kind;
  switch (event.type) {
    case kind::lane:
      begin_line("M", event.group, event.lane, began_);
      text_ += R"(,"name":"thread_name","args":{"name":)";
      append_json_string(text_, event.name);
      text_ += "}}";
      return end_line(event.at);
    case kind::state:
      return add_state(event);
    case kind::mark:
      return add_job_state("n", event.job, event.name, event.queue, event.at);
    case kind::wait:
    case kind::work:
    case kind::span:
      break;
  }
  begin_line("X", event.group, event.lane, event.at);
  text_ += ",\"dur\":";
  append_time(text_, event.length);
  add_name(event);
  add_arguments(event);
  text_ += '}';
  end_line(event.at);
}

void trace_file::add_state(const trace_event& event) {
  // A trace that begins late has not seen the begin.
  if (const auto begun = states_.find(event.job); begun != states_.end()) {
    add_job_state("e", event.job, begun->second, {}, event.at);
    states_.erase(begun);
  }
  if (event.name.empty() || current() != state::open) return;
  add_job_state("b", event.job, event.name, event.queue, event.at);
  states_.emplace(event.job, event.name);
}

void trace_file::add_job_state(std::string_view phase, job_id job, std::string_view name, std::string_view queue,
                               instant at) {
  begin_line(phase, trace_group::jobs, 0, at);
  text_ += R"(,"cat":"job","id":)";
  append_number(text_, job.value());
  text_ += ",\"name\":";
  append_json_string(text_, name);
  if (!queue.empty()) {
    text_ += R"(,"args":{"queue":)";
    append_json_string(text_, queue);
    text_ += '}';
  }
  text_ += '}';
  end_line(at);
}

void trace_file::begin_line(std::string_view phase, trace_group group, std::uint32_t lane, instant at) {
  text_ += text_.size() == 1 && end_ == 0 ? "\n{\"ph\":\"" : ",\n{\"ph\":\"";
  text_ += phase;
  text_ += "\",\"pid\":";
  append_number(text_, static_cast<std::uint64_t>(group));
  text_ += ",\"tid\":";
  append_number(text_, lane);
  text_ += ",\"ts\":";
  append_time(text_, at - began_);
}

void trace_file::add_name(const trace_event& event) {
  text_ += ",\"name\":";
  if (event.type != trace_event::kind::work) {
    append_json_string(text_, event.name);
    text_ += event.type == trace_event::kind::wait ? R"(,"cat":"wait")" : R"(,"cat":"store")";
    return;
  }
  std::string_view label{event.label.data(), event.label_size};
  if (event.label_is_cut) label = utf8_prefix(label, label.size() - 1);
  if (is_readable(label)) {
    append_json_string(text_, event.label_is_cut ? std::string{label} + "…" : std::string{label});
  } else if (!event.job) {
    text_ += "\"a computation\"";
  } else {
    text_ += "\"job ";
    append_number(text_, event.job.value());
    text_ += '"';
  }
  text_ += event.group == trace_group::tasks ? R"(,"cat":"job")" : R"(,"cat":"offload")";
}

void trace_file::add_arguments(const trace_event& event) {
  if (!event.job && event.batch == 0) return;
  text_ += R"(,"args":{)";
  const auto begin = text_.size();
  const auto comma = [&] {
    if (text_.size() != begin) text_ += ',';
  };
  const auto add_number = [&](std::string_view key, std::uint64_t value) {
    comma();
    text_ += '"';
    text_ += key;
    text_ += "\":";
    append_number(text_, value);
  };
  const auto add_text = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    comma();
    text_ += '"';
    text_ += key;
    text_ += "\":";
    append_json_string(text_, value);
  };
  if (event.job) add_number("job", event.job.value());
  add_text("queue", event.queue);
  if (event.batch != 0) add_number("batch", event.batch);
  if (event.attempt != 0) add_number("attempt", event.attempt);
  add_text("outcome", event.outcome);
  add_text("then", event.then);
  text_ += '}';
}

void trace_file::add_group(trace_group group, std::string_view name) {
  begin_line("M", group, 0, began_);
  text_ += R"(,"name":"process_name","args":{"name":)";
  append_json_string(text_, name);
  text_ += "}}";
  begin_line("M", group, 0, began_);
  text_ += R"(,"name":"process_sort_index","args":{"sort_index":)";
  append_number(text_, static_cast<std::uint64_t>(group));
  text_ += "}}";
  line_begin_ = text_.size();
}

void trace_file::add_note(std::string_view name, std::string_view key, std::uint64_t value, instant at) {
  begin_line("i", trace_group::tasks, 0, at);
  text_ += R"(,"s":"g","name":)";
  append_json_string(text_, name);
  text_ += ",\"args\":{";
  append_json_string(text_, key);
  text_ += ':';
  append_number(text_, value);
  text_ += "}}";
  line_begin_ = text_.size();
}

void trace_file::end_line(instant at) {
  if (end_ + text_.size() + bytes_for_the_end <= bytes_max_) {
    line_begin_ = text_.size();
    return;
  }
  text_.resize(line_begin_);
  add_note("the trace is full", "bytes_max", bytes_max_, at);
  state_.store(state::full, std::memory_order_release);
  log::warning("trace_full", "the trace has reached its limit: further events are left out, and the file is complete",
               {{"file", path_}, {"bytes_max", bytes_max_}});
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
  text_ += closing;
  std::size_t done = 0;
  while (done < text_.size()) {
    const auto written =
        ::pwrite(descriptor_, text_.data() + done, text_.size() - done, static_cast<off_t>(end_ + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    done += static_cast<std::size_t>(written);
  }
  end_ += events;
  bytes_.store(end_ + closing.size(), std::memory_order_relaxed);
  text_.clear();
  line_begin_ = 0;
  return 0;
}

void trace_file::cut_off() {
  // In place of the bracket that was there before: this needs no space.
  [[maybe_unused]] const auto closed = ::pwrite(descriptor_, closing.data(), closing.size(), static_cast<off_t>(end_));
  [[maybe_unused]] const int cut = ::ftruncate(descriptor_, static_cast<off_t>(end_ + closing.size()));
}

}  // namespace millrace::loop
