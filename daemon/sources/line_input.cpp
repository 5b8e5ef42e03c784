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

bool is_regular_file(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

result<std::shared_ptr<line_input>> line_input::open(const std::string& path, bool follow) {
  std::shared_ptr<line_input> input{new line_input{path, -1, true}};
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return input->failed("cannot be opened");
  if (S_ISDIR(status.st_mode)) return error{errc::io, path + " is a directory"};
  if (access(path.c_str(), R_OK) != 0) return input->failed("cannot be read");
  // Opening a pipe may block until its other end is open.
  if (!S_ISREG(status.st_mode)) return input;
  input->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (input->descriptor_ < 0) return input->failed("cannot be opened");
  input->grows_ = follow;
  input->rereadable_ = true;
  return input;
}

std::shared_ptr<line_input> line_input::of(int descriptor, bool follow) {
  std::shared_ptr<line_input> input{new line_input{"standard input", descriptor, false}};
  input->grows_ = follow && is_regular_file(descriptor);
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
      if (successor_ >= 0) switch_to_successor();
      // Read to the end once more: bytes may have been added before the rename.
      else if (open_successor())
        continue;
      return std::string{};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed("cannot be read");
    // The descriptor may be non-blocking. This thread may wait.
    pollfd readable{descriptor_, POLLIN, 0};
    poll(&readable, 1, -1);
  }
}

result<> line_input::rewind() {
  if (lseek(descriptor_, 0, SEEK_SET) != 0) return failed("cannot be read again");
  return {};
}

bool line_input::rewind_if_cut() {
  struct stat status {};
  if (!grows_ || fstat(descriptor_, &status) != 0) return false;
  if (status.st_size >= lseek(descriptor_, 0, SEEK_CUR) || lseek(descriptor_, 0, SEEK_SET) != 0) return false;
  restarted_ = true;
  return true;
}

bool line_input::open_successor() {
  struct stat open_file {};
  struct stat named {};
  const auto is_another = [&open_file, &named] {
    return S_ISREG(named.st_mode) && (named.st_dev != open_file.st_dev || named.st_ino != open_file.st_ino);
  };
  // The inode number of an open file is not reused.
  if (!grows_ || !owned_ || fstat(descriptor_, &open_file) != 0) return false;
  if (stat(name_.c_str(), &named) != 0 || !is_another()) return false;
  const int opened = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (opened < 0) return false;  // removed, or not readable yet: the next call tries again
  if (fstat(opened, &named) != 0 || !is_another()) {
    ::close(opened);
    return false;
  }
  successor_ = opened;
  return true;
}

void line_input::switch_to_successor() {
  ::close(descriptor_);
  descriptor_ = std::exchange(successor_, -1);
  replaced_ = true;
}

error line_input::failed(const char* problem) const {
  return {errc::io, name_ + " " + problem + ": " + system_message(errno)};
}

}  // namespace millrace::sources
