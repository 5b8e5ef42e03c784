#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <millrace/base/result.hpp>

namespace millrace::sources {

/// A file or standard input, read in chunks by calls that may block.
///
/// Opened on the loop, and read by a `loop::io_thread`, one call at a time. Both share ownership, since a blocked call
/// may be the last owner. Closes the files that it opened.
class line_input {
 public:
  static constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;

  /// Fails, with the path, if the file is missing, cannot be read, or is a directory. Does not block: a named pipe is
  /// opened by the first `read`.
  [[nodiscard]] static result<std::shared_ptr<line_input>> open(const std::string& path, bool follow);
  /// Reads a descriptor that the caller owns.
  [[nodiscard]] static std::shared_ptr<line_input> of(int descriptor, bool follow);
  ~line_input();
  line_input(const line_input&) = delete;
  line_input& operator=(const line_input&) = delete;

  /// Blocks until there are bytes, and returns them. Empty: the end of the file, for a followed file the present end.
  ///
  /// A followed file that became shorter is read from its beginning, and `restarted()` is true until the next call. If
  /// another file has the name of a followed file (a rename), the old file is read to its end first. Then an empty text
  /// is returned, `replaced()` is true until the next call, and the new file is read from its beginning.
  [[nodiscard]] result<std::string> read();
  [[nodiscard]] bool restarted() const noexcept { return restarted_; }
  /// True for a regular file with a name, which can be read again after a restart.
  [[nodiscard]] bool is_rereadable() const noexcept { return rereadable_; }
  /// Reads from the beginning again.
  [[nodiscard]] result<> rewind();
  [[nodiscard]] bool replaced() const noexcept { return replaced_; }
  /// True for a regular file that is followed, which can grow.
  [[nodiscard]] bool grows() const noexcept { return grows_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  line_input(std::string name, int descriptor, bool owned)
      : name_{std::move(name)}, descriptor_{descriptor}, owned_{owned} {}
  /// An error with the name, `problem` and `errno`.
  [[nodiscard]] error failed(const char* problem) const;
  /// True if the file became shorter; then it is read from its beginning.
  bool rewind_if_cut();
  /// True if another regular file has the name now; then it is open as `successor_`.
  bool open_successor();
  void switch_to_successor();

  std::string name_;
  int descriptor_;  ///< -1: not open yet
  bool owned_;
  bool grows_{false};
  bool restarted_{false};
  bool rereadable_{false};
  bool replaced_{false};
  int successor_{-1};  ///< the file that has the name now; read after the end of this one
};

}  // namespace millrace::sources
