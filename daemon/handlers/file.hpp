#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/io_thread.hpp>

#include "handlers/line_files.hpp"
#include "handlers/path_template.hpp"

namespace millrace::handlers {

struct file_options {
  path_template path;
  std::optional<job_template> text{};
  line_sync sync{line_sync::none};
  duration sync_interval{seconds{1}};
  std::uint32_t files_max{64};
};
[[nodiscard]] const options_of<file_options>& file_option_table();

/// Appends each body, or `text`, and a newline to the file `path`. A job is done when its line is written, and synced
/// with `sync: each`. It fails if the line cannot be written as a whole; then no part of the line stays in the file.
/// Lines of jobs that run at the same time are written together, in the order of the jobs, and share a sync.
///
/// An I/O thread of its own writes: a disk that hangs blocks this consumer only. A cancelled job stops waiting at once;
/// its line may still be written, as a whole. At most `files_max` files are open. The upkeep closes files that got
/// no line for `idle_max`; it runs every `idle_max`, with `sync: interval` every `sync_interval`. `reopen_files` closes
/// all files when the lines of earlier jobs are written. Loop thread only.
class file : public waiting_handler {
 public:
  static constexpr duration idle_max = seconds{10};

  file(const file_options& options, const handler_context& context);
  ~file() override;
  file(const file&) = delete;
  file& operator=(const file&) = delete;
  loop::awaitable<answer> handle(job work) override;
  void reopen_files() override;

  [[nodiscard]] std::size_t open_files() const noexcept { return files_->open_files(); }

 private:
  void plan_upkeep();
  void begin_upkeep();
  void sync_and_close(instant unused_since);

  file_options options_;
  loop::event_loop& loop_;
  std::shared_ptr<line_files> files_;  ///< shared with calls on the I/O thread, which may outlive the handler
  loop::io_thread writer_;
  loop::deadline upkeep_;
};

}  // namespace millrace::handlers
