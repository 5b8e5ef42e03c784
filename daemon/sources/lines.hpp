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

/// The lines of a file or of standard input (`-`), in order, without their ends (\n or \r\n); the last one needs none.
/// Bytes are taken as they are.
///
/// A line longer than `line_bytes_max` is an error and skipped. A file that cannot be read any more is an error and the
/// end; one that is removed is read on, for it is still open. A byte order mark at its beginning is skipped; UTF-16 is
/// an error and the end.
///
/// With `follow`, a plain file is asked every 200 ms for what was added, like `tail -F`: one that became shorter is
/// read from its beginning; when another file has its name (it was renamed, or deleted and made anew), it is read to
/// its end and then the other one from its beginning. Both are logged. A pipe ends when its writer does.
///
/// Reads on a thread of its own, a chunk at a time and only when asked for more, so memory is bounded by a chunk and a
/// line. Keeps the loop running until it has ended, was cancelled in `more`, or is destroyed.
class lines : public source {
 public:
  static constexpr duration follow_every = milliseconds{200};

  [[nodiscard]] static result<std::unique_ptr<source>> make(const lines_options& options, const surroundings& where);
  lines(const lines_options& options, std::shared_ptr<line_input> input, loop::event_loop& loop);
  ~lines() override { lane_.close(); }
  lines(const lines&) = delete;
  lines& operator=(const lines&) = delete;

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return grows_; }

  /// Of a plain file that is read by its name: the place is in bytes, and all bytes before it are compared at a
  /// restart. A followed file that is shorter or not the same was rotated: it is read from its beginning.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {splitter_.consumed(), splitter_.checksum()}; }
  loop::awaitable<result<resumption>> resume(position from) override;

 private:
  [[nodiscard]] bool is_skipped(std::string_view line) const;
  void take(result<std::string> read);
  loop::awaitable<result<resumption>> read_up_to(position from);
  [[nodiscard]] result<resumption> begin_anew(const error& why);
  void end();

  lines_options options_;
  std::shared_ptr<line_input> input_;
  bool grows_;
  loop::event_loop& loop_;
  loop::io_thread lane_;
  line_splitter splitter_;
  std::optional<error> failure_;  ///< said once, then it ends
  bool at_end_{false};
  bool ended_{false};
};

}  // namespace millrace::sources
