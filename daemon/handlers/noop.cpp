#include "handlers/noop.hpp"

namespace millrace::handlers {

const options_of<noop_options>& noop_option_table() {
  static const options_of<noop_options> table;
  return table;
}

answer noop::handle(const job&) { return std::nullopt; }

}  // namespace millrace::handlers
