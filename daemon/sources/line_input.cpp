#include "sources/line_input.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/system_message.hpp"

namespace millrace::sources {

namespace {

bool is_plain_file(int descriptor) {
  struct stat facts {};
  return fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}

}  // namespace

result<std::shared_ptr<line_input>> line_input::open(const std::string& path, bool follow) {
  std::shared_ptr<line_input> input{new line_input{path, -1, true}};
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return input->failed("cannot be opened");
  if (S_ISDIR(facts.st_mode)) return error{errc::io, path + " is a directory"};
  if (access(path.c_str(), R_OK) != 0) return input->failed("cannot be read");
  // Opening anything else may block until somebody is at the other end.
  if (!S_ISREG(facts.st_mode)) return input;
  input->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (input->descriptor_ < 0) return input->failed("cannot be opened");
  input->grows_ = follow;
  input->rereadable_ = true;
  return input;
}

std::shared_ptr<line_input> line_input::of(int descriptor, bool follow) {
  std::shared_ptr<line_input> input{new line_input{"standard input", descriptor, false}};
  input->grows_ = follow && is_plain_file(descriptor);
  return input;
}

line_input::~line_input() {
  if (owned_ && descriptor_ >= 0) ::close(descriptor_);
  if (successor_ >= 0) ::close(successor_);
}

result<std::string> line_input::read() {
  restarted_ = replaced_ = false;
  if (descriptor_ < 0) descriptor_ = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) return failed("cannot be opened");
  std::string chunk(chunk_bytes, '\0');
  for (;;) {
    const ssize_t bytes = ::read(descriptor_, chunk.data(), chunk.size());
    if (bytes > 0) {
      chunk.resize(static_cast<std::size_t>(bytes));
      return chunk;
    }
    if (bytes == 0) {
      if (rewind_if_cut()) continue;
      if (successor_ >= 0) go_to_successor();
      // Once more to the end: something may have been written before the rename.
      else if (open_successor())
        continue;
      return std::string{};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed("cannot be read");
    // Somebody left the descriptor non-blocking; waiting is what this thread is for.
    pollfd readable{descriptor_, POLLIN, 0};
    poll(&readable, 1, -1);
  }
}

result<> line_input::rewind() {
  if (lseek(descriptor_, 0, SEEK_SET) != 0) return failed("cannot be read again");
  return {};
}

bool line_input::rewind_if_cut() {
  struct stat facts {};
  if (!grows_ || fstat(descriptor_, &facts) != 0) return false;
  if (facts.st_size >= lseek(descriptor_, 0, SEEK_CUR) || lseek(descriptor_, 0, SEEK_SET) != 0) return false;
  restarted_ = true;
  return true;
}

bool line_input::open_successor() {
  struct stat ours {};
  struct stat named {};
  const auto is_another = [&ours, &named] {
    return S_ISREG(named.st_mode) && (named.st_dev != ours.st_dev || named.st_ino != ours.st_ino);
  };
  // While the old file is open, no other one has its number.
  if (!grows_ || !owned_ || fstat(descriptor_, &ours) != 0) return false;
  if (stat(name_.c_str(), &named) != 0 || !is_another()) return false;
  const int opened = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return false;  // gone again, or not readable yet: the next call tries again
  if (fstat(opened, &named) != 0 || !is_another()) {
    ::close(opened);
    return false;
  }
  successor_ = opened;
  return true;
}

void line_input::go_to_successor() {
  ::close(descriptor_);
  descriptor_ = std::exchange(successor_, -1);
  replaced_ = true;
}

error line_input::failed(const char* what) const {
  return {errc::io, name_ + " " + what + ": " + system_message(errno)};
}

}  // namespace millrace::sources
