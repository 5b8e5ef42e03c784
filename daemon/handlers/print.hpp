#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/wait_point.hpp>

namespace millrace::handlers {

struct print_options {
  std::optional<job_template> text;
};
[[nodiscard]] const options_of<print_options>& print_option_table();

/// Writes each body, or `text`, and a newline to standard output, in the order of the jobs. A job is done when its line
/// is written. It fails if the line cannot be written: `standard output is closed`.
///
/// The I/O thread of standard output writes one batch of lines at a time. Jobs that come meanwhile join the next batch.
/// When it has `gathered_bytes_max`, further jobs wait. A cancelled job stops waiting at once. Its line may still be
/// written, as a whole. Loop thread only.
/// Requires: the program ignores SIGPIPE.
class print : public waiting_handler {
 public:
  static constexpr std::size_t gathered_bytes_max = std::size_t{256} * 1024;
  /// A body of at least this many bytes is written from its own memory, not copied on the loop.
  static constexpr std::size_t shared_bytes_min = std::size_t{16} * 1024;

  print(const print_options& options, const handler_context& context);
  loop::awaitable<answer> handle(job work) override;

 private:
  /// Lines that are written together, and the jobs that wait for this write.
  struct batch;
  struct batch_member;
  struct batch_writer;

  std::shared_ptr<batch> add(const body& line);
  loop::awaitable<> write(std::shared_ptr<batch> current);
  void start_next_batch();

  loop::event_loop& loop_;
  loop::io_thread& output_;
  int descriptor_;
  std::optional<job_template> text_;
  std::shared_ptr<batch> next_;     ///< null: the next line creates it
  std::shared_ptr<batch> writing_;  ///< null: no write is in progress
  loop::wait_point capacity_;       ///< woken when the next batch may have capacity
};

}  // namespace millrace::handlers
