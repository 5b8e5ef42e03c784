#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/wait_point.hpp>

namespace millrace::handlers {

struct print_options {};
[[nodiscard]] const options_of<print_options>& print_option_table();

/// Writes each body and a newline to standard output, in the order in which jobs are handled. A job is done when its
/// line was written, and fails when it could not be: `standard output is closed`.
///
/// Writing happens on the lane of standard output; one write is under way at a time. Lines that come meanwhile are
/// gathered and go out together in the next one; when they are `gathered_bytes_max`, further jobs wait. A job that is
/// cancelled stops waiting at once; its line may still appear, whole. Needs SIGPIPE ignored by the program.
class print : public waiting_handler {
 public:
  static constexpr std::size_t gathered_bytes_max = std::size_t{256} * 1024;
  /// A body of at least this many bytes is written from its own memory, not copied on the loop.
  static constexpr std::size_t shared_bytes_min = std::size_t{16} * 1024;

  print(const print_options& options, const surroundings& where);
  loop::awaitable<answer> handle(job work) override;

 private:
  /// Lines that go out in one write, and the jobs that wait for it.
  struct page;
  struct entry;
  struct turn;

  std::shared_ptr<page> add(const body& line);
  loop::awaitable<> write(std::shared_ptr<page> mine);
  void next_page();

  loop::event_loop& loop_;
  loop::io_thread& output_;
  int descriptor_;
  std::shared_ptr<page> gathering_;  ///< none: the next line begins one
  std::shared_ptr<page> writing_;    ///< none: nothing is under way
  loop::wait_point room_;
};

}  // namespace millrace::handlers
