#include "handlers/fail.hpp"

#include <string>

namespace millrace::handlers {

const options_of<fail_options>& fail_option_table() {
  static const auto table = options_of<fail_options>{}.count(
      "every", &fail_options::every, {.least = 1}, "Which jobs fail: 1 all jobs, 2 every second one, and so on.");
  return table;
}

answer fail::handle(const job&) {
  ++handled_;
  if (handled_ % every_ != 0) return std::nullopt;
  std::string text = "failed on purpose: job " + std::to_string(handled_) + " of this handler, one in ";
  return invalid(text + std::to_string(every_) + " fails");
}

}  // namespace millrace::handlers
