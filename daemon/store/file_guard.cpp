#include "store/file_guard.hpp"

#include <errno.h>
#include <fcntl.h>
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

file_guard::file_id id_of(const struct statx& facts) {
  return {.device_major = facts.stx_dev_major, .device_minor = facts.stx_dev_minor, .number = facts.stx_ino};
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
  static_cast<void>(check(data_));
  data_.bytes_least = data_.bytes;
  if (index_.is_known) index_.bytes_least = std::max(index_.bytes, index_bytes_least);
}

void file_guard::identify(guarded& file, int descriptor) {
  struct statx facts {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_INO, &facts) != 0) return;
  file.id = id_of(facts);
  file.is_known = true;
}

result<> file_guard::check() {
  for (guarded* const file : {&data_, &lock_}) {
    if (const auto same = check(*file); !same) return same;
  }
  return check_index();
}

result<> file_guard::check_index() {
  if (const auto same = check(index_); !same) return same;
  if (index_.bytes < index_.bytes_least) return lost(index_, "truncated");
  if (index_.bytes >= index_bytes_least) index_.bytes_least = index_.bytes;
  return {};
}

bool file_guard::data_is_whole() {
  if (data_.bytes < data_.bytes_least && !has_counted_pages(data_.bytes)) return false;
  data_.bytes_least = data_.bytes;
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
  struct statx facts {};
  if (::statx(AT_FDCWD, file.path.c_str(), 0, STATX_INO | STATX_SIZE, &facts) != 0) {
    const int number = errno;
    // Conditions that pass say nothing about the file.
    if (number == ENOMEM || number == EINTR) return {};
    file.bytes = 0;
    if (!file.is_known) return {};
    if (number == ENOENT || number == ENOTDIR) return lost(file, "deleted");
    return error{errc::io, file.path + ": " + std::generic_category().message(number)};
  }
  file.bytes = facts.stx_size;
  if (!file.is_known) {
    file.id = id_of(facts);
    file.is_known = true;
  }
  if (id_of(facts) != file.id) return lost(file, "replaced by another file");
  return {};
}

error file_guard::lost(const guarded& file, const char* fate) {
  return {errc::io, file.path + " was " + fate + " while it was in use"};
}

}  // namespace millrace::store
