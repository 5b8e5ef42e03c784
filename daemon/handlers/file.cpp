#include "handlers/file.hpp"

#include <exception>
#include <functional>
#include <string>
#include <utility>

namespace millrace::handlers {

const options_of<file_options>& file_option_table() {
  static const auto table =
      options_of<file_options>{}
          .parsed("path", &file_options::path,
                  "The file that lines are appended to, relative to the folder of this file. It is made if it does not "
                  "exist, its directory is not.",
                  path_template::parse, path_template::write, std::string{path_template::expected})
          .required()
          .example("\"sales-${json:/country}.log\"")
          .parsed("text", &file_options::text, "The line of each job; without it, the body.", job_template::parse,
                  job_template::write, std::string{job_template::expected})
          .example("\"${id} ${body}\"")
          .choice("sync", &file_options::sync,
                  {{"none", line_sync::none}, {"each", line_sync::each}, {"interval", line_sync::interval}},
                  "When lines are synced to the disk: when the system does it, before their jobs are done, or every "
                  "sync_interval.")
          .duration("sync_interval", &file_options::sync_interval, {.least = milliseconds{10}, .most = hours{1}},
                    "Time between two syncs with sync: interval.")
          .count("files_max", &file_options::files_max, {.least = 1, .most = 1'000},
                 "Files open at one time; the one used least recently is closed for another.");
  return table;
}

file::file(const file_options& options, const handler_context& context)
    : options_{options},
      loop_{context.loop},
      files_{std::make_shared<line_files>(options.sync, options.files_max)},
      writer_{context.loop, "file"},
      upkeep_{context.loop, [this] { begin_upkeep(); }} {}

file::~file() = default;

loop::awaitable<answer> file::handle(job work) {
  auto path = options_.path.fill(work);
  if (!path) co_return path.error();
  const auto line = std::make_shared<line_files::line>();
  line->path = std::move(*path);
  line->content = work.content;
  line->now = loop_.now();
  if (options_.text) {
    const auto filled = options_.text->fill(work);
    if (!filled) co_return filled.error();
    line->content = body{*filled};
  }
  files_->add(line);
  // The first call writes the lines of all jobs that wait by then. The others find theirs written.
  const std::function<result<std::string>()> write = [files = files_, line] { return files->write(*line); };
  std::exception_ptr cancelled;
  auto written = result<std::string>{std::string{}};
  try {
    written = co_await writer_.run(write);
  } catch (...) {
    cancelled = std::current_exception();
  }
  // A cancelled job may have opened a file, or opens it now.
  plan_upkeep();
  if (cancelled) {
    files_->withdraw(*line);
    std::rethrow_exception(cancelled);
  }
  if (!written) co_return written.error();
  co_return std::nullopt;
}

void file::plan_upkeep() {
  if (upkeep_.when() != never) return;
  upkeep_.set(after(loop_.now(), options_.sync == line_sync::interval ? options_.sync_interval : idle_max));
}

void file::begin_upkeep() {
  const bool may_open_file = writer_.busy();
  sync_and_close(loop_.now() - idle_max);
  if (may_open_file || files_->open_files() > 0) plan_upkeep();
}

/// The next line of each file opens it again.
void file::reopen_files() { sync_and_close(never); }

void file::sync_and_close(instant unused_since) {
  writer_.post([files = files_, unused_since] {
    files->sync_and_close(unused_since);
    return result<std::string>{std::string{}};
  });
}

}  // namespace millrace::handlers
