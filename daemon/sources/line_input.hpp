#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <millrace/base/result.hpp>

namespace millrace::sources {

/// A file or standard input as bytes, read by calls that may block: opened by the loop, read by a `loop::io_thread`,
/// one call at a time, and owned by both (the call that hangs may be the last owner). Closes what it opened.
class line_input {
 public:
  static constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;

  /// Fails with the name when there is no such file, when it may not be read, or when it is a directory. Does not
  /// block: a pipe with a name is opened by the first `read`.
  [[nodiscard]] static result<std::shared_ptr<line_input>> open(const std::string& path, bool follow);
  /// Of a descriptor that somebody else owns.
  [[nodiscard]] static std::shared_ptr<line_input> of(int descriptor, bool follow);
  ~line_input();
  line_input(const line_input&) = delete;
  line_input& operator=(const line_input&) = delete;

  /// Blocks until there is something: the next bytes, or none at the end (when following: for now). A followed file
  /// that became shorter is read from its beginning: `restarted()` says so until the next call. When its name is that
  /// of another file, as after a rename, it is read to its end first; then the answer is empty, `replaced()` is true
  /// until the next call, and the new file is read from its beginning.
  [[nodiscard]] result<std::string> read();
  [[nodiscard]] bool restarted() const noexcept { return restarted_; }
  /// A plain file with a name: what was read of it can be read again.
  [[nodiscard]] bool is_rereadable() const noexcept { return rereadable_; }
  /// Reads from the beginning again.
  [[nodiscard]] result<> rewind();
  [[nodiscard]] bool replaced() const noexcept { return replaced_; }
  /// It can grow after its end: a plain file that is followed.
  [[nodiscard]] bool grows() const noexcept { return grows_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  line_input(std::string name, int descriptor, bool owned)
      : name_{std::move(name)}, descriptor_{descriptor}, owned_{owned} {}
  [[nodiscard]] error failed(const char* what) const;
  /// True when it was cut and is now to be read from its beginning.
  bool rewind_if_cut();
  /// True when its name is now that of another plain file, which has been opened.
  bool open_successor();
  void go_to_successor();

  std::string name_;
  int descriptor_;  ///< -1: not open yet
  bool owned_;
  bool grows_{false};
  bool restarted_{false};
  bool rereadable_{false};
  bool replaced_{false};
  int successor_{-1};  ///< the file that has its name now; read when this one is at its end
};

}  // namespace millrace::sources
