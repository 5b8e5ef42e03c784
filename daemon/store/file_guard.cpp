#include "store/file_guard.hpp"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace millrace::store {

namespace {

/// Of the header of a database file (SQLite's file format, 1.3): the size of a page at 16, how many there are at 28;
/// the greatest byte first.
constexpr std::size_t header_bytes = 32;
constexpr std::size_t page_size_at = 16;
constexpr std::size_t page_count_at = 28;
/// The index of the log is never shorter than its first part (SQLite's WAL format, 2).
constexpr std::uint64_t index_bytes_least = 32'768;
/// A size of 65,536 does not fit in two bytes and is written as 1.
constexpr std::uint64_t largest_page = 65'536;

std::uint64_t number_at(const unsigned char* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t n = 0; n < count; ++n) value = value << 8u | bytes[n];
  return value;
}

}  // namespace

file_guard::file_guard(const std::string& data_file, const std::string& lock_file, int data_descriptor,
                       int lock_descriptor)
    : data_{data_file},
      log_{data_file + "-wal"},
      index_{data_file + "-shm"},
      lock_{lock_file},
      data_descriptor_{data_descriptor} {
  identify(data_, data_descriptor);
  identify(lock_, lock_descriptor);
  for (guarded* const file : {&log_, &index_}) static_cast<void>(check(*file));
  data_.bytes_least = bytes_of(data_);
  if (index_.is_known) index_.bytes_least = std::max(bytes_of(index_), index_bytes_least);
}

void file_guard::identify(guarded& file, int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) return;
  file.device = facts.st_dev;
  file.number = facts.st_ino;
  file.is_known = true;
}

result<> file_guard::check() {
  for (guarded* const file : {&data_, &log_, &lock_}) {
    if (const auto same = check(*file); !same) return same;
  }
  return check_index();
}

result<> file_guard::check_index() {
  if (const auto same = check(index_); !same) return same;
  const auto bytes = bytes_of(index_);
  if (bytes < index_.bytes_least) return lost(index_, "truncated");
  if (bytes >= index_bytes_least) index_.bytes_least = bytes;
  return {};
}

bool file_guard::data_is_whole() {
  const auto bytes = bytes_of(data_);
  if (bytes < data_.bytes_least && !has_counted_pages(bytes)) return false;
  data_.bytes_least = bytes;
  return true;
}

bool file_guard::has_counted_pages(std::uint64_t bytes) const {
  std::array<unsigned char, header_bytes> header{};
  if (::pread(data_descriptor_, header.data(), header.size(), 0) != static_cast<ssize_t>(header.size())) return false;
  const auto page = number_at(&header[page_size_at], 2);
  const auto pages = number_at(&header[page_count_at], 4);
  return bytes >= pages * (page == 1 ? largest_page : page);
}

result<> file_guard::check(guarded& file) {
  struct stat facts {};
  if (::stat(file.path.c_str(), &facts) != 0) {
    const int why = errno;
    // Conditions that pass say nothing about the file.
    if (!file.is_known || why == ENOMEM || why == EINTR) return {};
    if (why == ENOENT || why == ENOTDIR) return lost(file, "deleted");
    return error{errc::io, file.path + ": " + std::generic_category().message(why)};
  }
  if (!file.is_known) {
    file.device = facts.st_dev;
    file.number = facts.st_ino;
    file.is_known = true;
  }
  if (facts.st_dev != file.device || facts.st_ino != file.number) return lost(file, "replaced by another file");
  return {};
}

std::uint64_t file_guard::bytes_of(const guarded& file) {
  struct stat facts {};
  return ::stat(file.path.c_str(), &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
}

error file_guard::lost(const guarded& file, const char* fate) {
  return {errc::io, file.path + " was " + fate + " while it was in use"};
}

}  // namespace millrace::store
