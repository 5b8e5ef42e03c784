#include "service/status_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace millrace::service {
namespace {

constexpr int rows_min = 4;
constexpr const char* save_cursor =
    "\x1b"
    "7";
constexpr const char* restore_cursor =
    "\x1b"
    "8";
constexpr const char* erase_line = "\x1b[K";

::winsize size_of(int descriptor) {
  ::winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) size.ws_row = 0;
  return size;
}

std::string to_row(int row) { return "\x1b[" + std::to_string(row) + ";1H"; }

/// The longest prefix of whole characters that fits. Each character is assumed to be one column wide.
std::string_view fitting(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  for (std::size_t seen = 0; bytes < text.size(); ++bytes) {
    const bool starts = (static_cast<unsigned char>(text[bytes]) & 0xC0u) != 0x80u;
    if (starts && ++seen > columns) break;
  }
  return text.substr(0, bytes);
}

}  // namespace

bool status_line::is_possible_on(int descriptor) {
  if (::isatty(descriptor) == 0) return false;
  const char* terminal = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): the environment never changes
  return terminal != nullptr && std::string_view{terminal} != "dumb" && *terminal != '\0' &&
         size_of(descriptor).ws_row >= rows_min;
}

std::string status_line::draw(std::string_view text) {
  const auto size = size_of(descriptor_);
  if (size.ws_row < rows_min) return clear();
  std::string bytes;
  if (rows_ != size.ws_row) {
    // Line feed, then up: the cursor must not be in the last row. Setting the region moves the cursor, so save it.
    bytes += "\n\x1b[A";
    bytes += save_cursor + ("\x1b[1;" + std::to_string(size.ws_row - 1) + 'r') + restore_cursor;
    rows_ = size.ws_row;
  }
  return bytes + save_cursor + to_row(rows_) + std::string{fitting(text, size.ws_col)} + erase_line + restore_cursor;
}

std::string status_line::clear() {
  if (rows_ == 0) return {};
  const std::string bytes = std::string{save_cursor} + "\x1b[r" + to_row(rows_) + erase_line + restore_cursor;
  rows_ = 0;
  return bytes;
}

}  // namespace millrace::service
