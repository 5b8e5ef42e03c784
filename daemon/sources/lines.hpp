#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include <millrace/loop/io_thread.hpp>
#include <millrace/sources/registry.hpp>

#include "sources/line_input.hpp"
#include "sources/line_splitter.hpp"

namespace millrace::sources {

struct lines_options {
  std::string file;
  bool follow{false};
  std::size_t line_bytes_max{std::size_t{64} * 1024};
  std::optional<std::string> comment;
  bool empty_lines{false};
};
[[nodiscard]] const options_of<lines_options>& lines_option_table();

/// The lines of a file or of standard input (`-`), in order, without their ends (\n or \r\n). The last line needs no
/// end. Bytes are not converted. A UTF-8 byte order mark is skipped.
///
/// A line longer than `line_bytes_max` is an error, and is skipped. A failed read and UTF-16 are errors that end the
/// source. A removed file is still read, since it is open.
///
/// With `follow`, a regular file is checked for new bytes every 200 ms, like `tail -F`. If it became shorter, it is
/// read from its beginning. If another file has its name (it was renamed, or replaced), it is read to its end, and
/// then the other file is read from its beginning. Both are logged. A pipe ends when its writer closes it.
///
/// Reads on a thread of its own, one chunk for each `more`, so memory is limited to a chunk and a line. Keeps the loop
/// running until it has ended, was cancelled in `more`, or is destroyed.
class lines : public source {
 public:
  static constexpr duration follow_interval = milliseconds{200};

  [[nodiscard]] static result<std::unique_ptr<source>> make(const lines_options& options,
                                                            const source_context& context);
  lines(const lines_options& options, std::shared_ptr<line_input> input, loop::event_loop& loop);
  ~lines() override { reader_.close(); }
  lines(const lines&) = delete;
  lines& operator=(const lines&) = delete;

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return grows_; }

  /// For a regular file with a name. The position is in bytes, and all bytes before it are compared at a restart. A
  /// followed file that is shorter or different was rotated, and is read from its beginning.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {splitter_.consumed(), splitter_.checksum()}; }
  loop::awaitable<result<resumption>> resume(position stored) override;

 private:
  [[nodiscard]] bool is_skipped(std::string_view line) const;
  void take(result<std::string> read);
  loop::awaitable<result<resumption>> read_up_to(position stored);
  [[nodiscard]] result<resumption> restart(const error& difference);
  void end();

  lines_options options_;
  std::shared_ptr<line_input> input_;
  bool grows_;
  loop::event_loop& loop_;
  loop::io_thread reader_;
  line_splitter splitter_;
  std::optional<error> failure_;  ///< returned once, before the end
  bool at_end_{false};
  bool ended_{false};
};

}  // namespace millrace::sources
