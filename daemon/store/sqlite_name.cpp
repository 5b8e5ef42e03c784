#include "store/sqlite_name.hpp"

#include <sys/stat.h>

#include <string_view>

#include "base/hex.hpp"

namespace millrace::store::sqlite {

namespace {

/// A path as a part of a URI (RFC 3986): every byte that could mean something else is written in hexadecimal digits.
std::string in_uri(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view{"/._-~"}.find(c) != std::string_view::npos;
    if (plain) {
      text += c;
    } else {
      text += '%';
      append_hex(text, byte);
    }
  }
  return text;
}

/// Parameters with which SQLite reads files that cannot be written. A log is read without locks; where there is none,
/// SQLite would create it.
std::string without_writes(const std::string& path) {
  struct stat log {};
  const bool has_log = ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
  return has_log ? "?vfs=unix-none" : "?immutable=1";
}

}  // namespace

std::string name_of(const std::string& path, open_as mode, const std::string& mode_of) {
  std::string parameters;
  if (mode == open_as::read_only_copy) {
    parameters = without_writes(path);
  } else if (!mode_of.empty()) {
    parameters = "?modeof=" + in_uri(mode_of);
  }
  if (parameters.empty()) return path;
  return (path.starts_with('/') ? "file://" : "file:") + in_uri(path) + parameters;
}

}  // namespace millrace::store::sqlite
