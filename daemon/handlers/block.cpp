#include "handlers/block.hpp"

#include <string>
#include <thread>

#include <millrace/base/quantity.hpp>

#include "handlers/length.hpp"

namespace millrace::handlers {

const options_of<block_options>& block_option_table() {
  static const auto table =
      options_of<block_options>{}
          .duration("length", &block_options::length, {.most = block::length_max},
                    "Time that each job holds the whole daemon; without it, the body is the time.")
          .example("200ms");
  return table;
}

answer block::handle(const job& work) {
  const auto length = length_ ? result<duration>{*length_} : parse_length(work.content.view());
  if (!length) return length.error();
  if (*length > length_max) return rejected("longer than " + write_duration(length_max));
  std::this_thread::sleep_for(*length);
  return std::nullopt;
}

}  // namespace millrace::handlers
