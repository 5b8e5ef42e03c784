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
  static const options_of<print_options> table;
  return table;
}

namespace {

/// What the lane's thread has: it may outlive the page and the handler when the write never comes back.
struct sheet {
  /// Copied lines, then one body that is written from where it lies.
  struct piece {
    std::string text;
    body whole;
  };

  std::vector<piece> pieces{1};
  std::size_t bytes{0};
  std::optional<result<std::string>> written;  ///< of the lane's thread
};

result<std::string> write_sheet(int descriptor, const sheet& lines) {
  for (const sheet::piece& each : lines.pieces) {
    if (auto wrote = write_all(descriptor, each.text); !wrote) return wrote;
    if (auto wrote = write_all(descriptor, each.whole.view()); !wrote) return wrote;
  }
  return std::string{};
}

}  // namespace

struct print::page {
  explicit page(loop::event_loop& loop) : turned{loop, "standard output"} {}

  std::shared_ptr<sheet> lines{std::make_shared<sheet>()};
  std::size_t jobs{0};                         ///< that have a line on it and were not cancelled
  bool has_writer{false};                      ///< one of its jobs awaits the lane on behalf of all
  std::optional<result<std::string>> written;  ///< of the loop
  loop::wait_point turned;
};

/// A job's line on its page, until the job ends in whichever way.
struct print::entry {
  explicit entry(page& of) : on{of} { ++on.jobs; }
  entry(const entry&) = delete;
  entry& operator=(const entry&) = delete;
  ~entry() { --on.jobs; }

  page& on;
};

/// One job's time as the writer of its page. However it ends, somebody is told to go on.
struct print::turn {
  turn(print& of, page& which) : owner{of}, mine{which} { mine.has_writer = true; }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() {
    mine.has_writer = false;
    if (mine.written) {
      mine.turned.wake_all();
    } else if (mine.jobs > 1) {
      // This job was cancelled: another one of the page asks what became of the same write.
      mine.turned.wake_one();
      return;
    }
    owner.next_page();
  }

  print& owner;
  page& mine;
};

print::print(const print_options&, const surroundings& where)
    : loop_{where.loop},
      output_{where.standard_output},
      descriptor_{where.output_descriptor},
      room_{where.loop, "room for standard output"} {}

loop::awaitable<answer> print::handle(job work) {
  while (gathering_ != nullptr && gathering_->lines->bytes >= gathered_bytes_max) co_await room_.wait();
  const std::shared_ptr<page> mine = add(work.content);
  const entry my_entry{*mine};
  while (!mine->written) {
    if (writing_ == nullptr) writing_ = std::exchange(gathering_, nullptr);
    if (writing_ == mine && !mine->has_writer)
      co_await write(mine);
    else
      co_await mine->turned.wait();
  }
  if (!*mine->written) co_return mine->written->error();
  co_return std::nullopt;
}

std::shared_ptr<print::page> print::add(const body& line) {
  if (gathering_ == nullptr) gathering_ = std::make_shared<page>(loop_);
  sheet& lines = *gathering_->lines;
  if (line.size() < shared_bytes_min) {
    lines.pieces.back().text.append(line.view()) += '\n';
  } else {
    lines.pieces.back().whole = line;
    lines.pieces.push_back({"\n", {}});
  }
  lines.bytes += line.size() + 1;
  return gathering_;
}

loop::awaitable<> print::write(std::shared_ptr<page> mine) {
  const turn my_turn{*this, *mine};
  // If the first writer was cancelled, a second call waits for its write: the lane runs calls in order.
  const std::function<result<std::string>()> call = [lines = mine->lines, descriptor = descriptor_] {
    if (!lines->written) lines->written = write_sheet(descriptor, *lines);
    return *lines->written;
  };
  mine->written = co_await output_.run(call);
}

// What nobody waits for any more is not written: all its jobs were cancelled.
void print::next_page() {
  writing_ = nullptr;
  if (gathering_ != nullptr && gathering_->jobs == 0) gathering_ = nullptr;
  if (gathering_ != nullptr) gathering_->turned.wake_one();
  room_.wake_all();
}

}  // namespace millrace::handlers
