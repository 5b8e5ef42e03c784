#include "handlers/sleep.hpp"

#include <millrace/loop/deadline.hpp>

#include "handlers/length.hpp"

namespace millrace::handlers {

const options_of<sleep_options>& sleep_option_table() {
  static const auto table = options_of<sleep_options>{}
                                .duration("length", &sleep_options::length, {},
                                          "How long every job waits; left out: as long as its body says.")
                                .example("250ms")
                                .text("text", &sleep_options::text, "What goes on to the output; left out: the body.")
                                .example("done waiting");
  return table;
}

loop::awaitable<answer> sleep::handle(job work) {
  const result<duration> length = options_.length ? result<duration>{*options_.length} : length_in(work.content.view());
  if (!length) co_return length.error();
  co_await loop::sleep_for(loop_, *length);
  co_return options_.text;
}

}  // namespace millrace::handlers
