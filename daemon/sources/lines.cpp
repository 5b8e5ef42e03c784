#include "sources/lines.hpp"

#include <functional>
#include <memory>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "sources/line_resumption.hpp"

namespace millrace::sources {

const options_of<lines_options>& lines_option_table() {
  const auto not_empty = [](std::string_view text) -> result<> {
    if (text.empty()) return invalid("is empty");
    return {};
  };
  static const auto table =
      options_of<lines_options>{}
          .text("file", &lines_options::file, "The file to read; - is standard input.", not_empty,
                "the name of a file, or -")
          .required()
          .example("numbers.txt")
          .flag("follow", &lines_options::follow, "Whether to wait at the end of the file for new lines.")
          .size("line_bytes_max", &lines_options::line_bytes_max, {.least = 1, .most = 16u << 20},
                "Size of the longest line; longer lines are counted as errors and skipped.")
          .text("comment", &lines_options::comment, "Lines that begin with this are skipped.", not_empty)
          .example("\"#\"")
          .flag("empty_lines", &lines_options::empty_lines,
                "Whether empty lines are bodies; otherwise they are skipped.");
  return table;
}

result<std::unique_ptr<source>> lines::make(const lines_options& options, const source_context& context) {
  std::shared_ptr<line_input> input;
  if (options.file == "-") {
    input = line_input::of(context.input_descriptor, options.follow);
  } else {
    result<std::shared_ptr<line_input>> opened = line_input::open(options.file, options.follow);
    if (!opened) return opened.error();
    input = std::move(*opened);
  }
  return std::unique_ptr<source>{std::make_unique<lines>(options, std::move(input), context.loop)};
}

lines::lines(const lines_options& options, std::shared_ptr<line_input> input, loop::event_loop& loop)
    : options_{options},
      input_{std::move(input)},
      grows_{input_->grows()},
      loop_{loop},
      reader_{loop, "lines of " + input_->name()},
      splitter_{options.line_bytes_max} {}

next_body lines::next(instant) {
  while (const std::optional<line_splitter::line> line = splitter_.next()) {
    if (line->too_long) {
      return error{errc::out_of_range, input_->name() + ":" + std::to_string(line->number) +
                                           ": the line is longer than line_bytes_max (" +
                                           write_size(options_.line_bytes_max) + ") and was skipped"};
    }
    if (!is_skipped(line->text)) return body{line->text};
  }
  if (splitter_.is_utf16() && !failure_ && !ended_) {
    end();
    failure_ = invalid(input_->name() + " is UTF-16: convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
  }
  if (failure_) return *std::exchange(failure_, std::nullopt);
  if (ended_) return no_more{};
  return nothing_yet{};
}

bool lines::is_skipped(std::string_view line) const {
  if (line.empty()) return !options_.empty_lines;
  return options_.comment && line.starts_with(*options_.comment);
}

loop::awaitable<> lines::more() {
  if (ended_) co_return;
  // Named: a temporary with captures in the same expression as co_await is destroyed twice by g++ 12.
  const std::function<result<std::string>()> read = [input = input_] { return input->read(); };
  try {
    if (at_end_) co_await loop::sleep_for(loop_, follow_interval);
    take(co_await reader_.run(read));
  } catch (...) {
    // Cancelled: `more` is not called again, and an open I/O thread would keep the loop running.
    end();
    throw;
  }
}

bool lines::track_position() {
  if (!input_->is_rereadable()) return false;
  splitter_.track();
  return true;
}

loop::awaitable<result<resumption>> lines::resume(position stored) {
  try {
    co_return co_await read_up_to(stored);
  } catch (...) {
    end();
    throw;
  }
}

loop::awaitable<result<resumption>> lines::read_up_to(position stored) {
  const auto earlier = std::make_shared<line_resumption>(stored.place, stored.checksum);
  // Named: a temporary with captures in the same expression as co_await is destroyed twice by g++ 12.
  const std::function<result<std::string>()> read = [input = input_, earlier]() -> result<std::string> {
    if (const auto done = earlier->read_slice(*input); !done) return done.error();
    return std::string{};
  };
  while (!earlier->is_at_offset()) {
    const auto done = co_await reader_.run(read);
    if (done) continue;
    if (grows_ && done.error().code == errc::invalid) co_return restart(done.error());
    end();
    co_return done.error();
  }
  splitter_.continue_behind(earlier->bytes(), earlier->lines(), earlier->take_digest());
  splitter_.feed(earlier->rest());
  if (input_->replaced()) splitter_.begin_next_file();
  co_return resumption::behind_position;
}

result<resumption> lines::restart(const error& difference) {
  log::warning("file_rotated", "a followed file has changed since the last run, so it is read from its beginning",
               {{"file", input_->name()}, {"difference", difference.text}});
  if (const auto again = input_->rewind(); !again) return again.error();
  return resumption::from_start;
}

void lines::take(result<std::string> read) {
  at_end_ = !read || read->empty();
  if (read && input_->replaced()) {
    log::info("file_replaced", "a followed file was replaced: it was read to its end, and the new file follows",
              {{"file", input_->name()}});
    at_end_ = false;
    return splitter_.begin_next_file();
  }
  if (read && input_->restarted()) {
    log::info("file_cut", "a followed file became shorter, so it is read from its beginning",
              {{"file", input_->name()}});
    splitter_.restart();
  }
  if (!at_end_) return splitter_.feed(*read);
  if (!read) failure_ = read.error();
  if (read && grows_) return;
  splitter_.end();
  end();
}

void lines::end() {
  ended_ = true;
  reader_.close();
}

}  // namespace millrace::sources
