#include "handlers/sleep.hpp"

#include <millrace/loop/deadline.hpp>

#include "handlers/length.hpp"

namespace millrace::handlers {

const options_of<sleep_options>& sleep_option_table() {
  static const auto table =
      options_of<sleep_options>{}
          .duration("length", &sleep_options::length, {}, "Time that each job waits; without it, the body is the time.")
          .example("250ms")
          .text("text", &sleep_options::text, "The output of each job; without it, the body.")
          .example("done waiting");
  return table;
}

loop::awaitable<answer> sleep::handle(job work) {
  const result<duration> length =
      options_.length ? result<duration>{*options_.length} : parse_length(work.content.view());
  if (!length) co_return length.error();
  co_await loop::sleep_for(loop_, *length);
  co_return options_.text;
}

}  // namespace millrace::handlers
