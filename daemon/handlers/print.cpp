#include "handlers/print.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/io_thread.hpp>

#include "handlers/write_all.hpp"

namespace millrace::handlers {

const options_of<print_options>& print_option_table() {
  static const auto table =
      options_of<print_options>{}
          .parsed("text", &print_options::text, "What is written for each job; without it, the body.",
                  job_template::parse, job_template::write, std::string{job_template::expected})
          .example("\"${queue} ${id}: ${body}\"");
  return table;
}

namespace {

/// The lines of a batch, shared with the I/O thread: if a write blocks, they may outlive the batch and the handler.
struct buffer {
  /// Copied lines, then one large body that is not copied.
  struct piece {
    std::string text;
    body large;
  };

  std::vector<piece> pieces{1};
  std::size_t bytes{0};
  std::optional<result<std::string>> result_of_write;  ///< used on the I/O thread
};

result<std::string> write_buffer(int descriptor, const buffer& lines) {
  for (const buffer::piece& piece : lines.pieces) {
    if (auto written = write_all(descriptor, piece.text); !written) return written;
    if (auto written = write_all(descriptor, piece.large.view()); !written) return written;
  }
  return std::string{};
}

}  // namespace

struct print::batch {
  explicit batch(loop::event_loop& loop) : changed{loop, "standard output"} {}

  std::shared_ptr<buffer> lines{std::make_shared<buffer>()};
  std::size_t jobs{0};                         ///< jobs of the batch that were not cancelled
  bool has_writer{false};                      ///< one of its jobs runs `write` for all of them
  std::optional<result<std::string>> written;  ///< used on the loop
  loop::wait_point changed;
};

/// Counts a job in its batch until the job ends.
struct print::batch_member {
  explicit batch_member(batch& joined) : owner{joined} { ++owner.jobs; }
  batch_member(const batch_member&) = delete;
  batch_member& operator=(const batch_member&) = delete;
  ~batch_member() { --owner.jobs; }

  batch& owner;
};

/// The role of a job that writes its batch. The destructor wakes the jobs that can continue.
struct print::batch_writer {
  batch_writer(print& printer, batch& written) : owner{printer}, current{written} { current.has_writer = true; }
  batch_writer(const batch_writer&) = delete;
  batch_writer& operator=(const batch_writer&) = delete;
  ~batch_writer() {
    current.has_writer = false;
    if (current.written) {
      current.changed.wake_all();
    } else if (current.jobs > 1) {
      // This job was cancelled, so another job of the batch awaits the same write.
      current.changed.wake_one();
      return;
    }
    owner.start_next_batch();
  }

  print& owner;
  batch& current;
};

print::print(const print_options& options, const handler_context& context)
    : loop_{context.loop},
      output_{context.standard_output},
      descriptor_{context.output_descriptor},
      text_{options.text},
      capacity_{context.loop, "capacity for standard output"} {}

loop::awaitable<answer> print::handle(job work) {
  body line = work.content;
  if (text_) {
    const auto filled = text_->fill(work);
    if (!filled) co_return filled.error();
    line = body{*filled};
  }
  while (next_ != nullptr && next_->lines->bytes >= gathered_bytes_max) co_await capacity_.wait();
  const std::shared_ptr<batch> joined = add(line);
  const batch_member member{*joined};
  while (!joined->written) {
    if (writing_ == nullptr) writing_ = std::exchange(next_, nullptr);
    if (writing_ == joined && !joined->has_writer)
      co_await write(joined);
    else
      co_await joined->changed.wait();
  }
  if (!*joined->written) co_return joined->written->error();
  co_return std::nullopt;
}

std::shared_ptr<print::batch> print::add(const body& line) {
  if (next_ == nullptr) next_ = std::make_shared<batch>(loop_);
  buffer& lines = *next_->lines;
  if (line.size() < shared_bytes_min) {
    lines.pieces.back().text.append(line.view()) += '\n';
  } else {
    lines.pieces.back().large = line;
    lines.pieces.push_back({"\n", {}});
  }
  lines.bytes += line.size() + 1;
  return next_;
}

loop::awaitable<> print::write(std::shared_ptr<batch> current) {
  const batch_writer writer{*this, *current};
  // If the first writer is cancelled, its call may still run. The I/O thread runs calls in order, so the call of the
  // second writer then finds the result.
  const std::function<result<std::string>()> call = [shared = current->lines, descriptor = descriptor_] {
    if (!shared->result_of_write) shared->result_of_write = write_buffer(descriptor, *shared);
    return *shared->result_of_write;
  };
  current->written = co_await output_.run(call);
}

void print::start_next_batch() {
  writing_ = nullptr;
  // All jobs of the batch may have been cancelled. Then it is not written.
  if (next_ != nullptr && next_->jobs == 0) next_ = nullptr;
  if (next_ != nullptr) next_->changed.wake_one();
  capacity_.wake_all();
}

}  // namespace millrace::handlers
