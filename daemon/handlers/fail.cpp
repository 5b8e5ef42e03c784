#include "handlers/fail.hpp"

#include <string>
#include <utility>

namespace millrace::handlers {

const options_of<fail_options>& fail_option_table() {
  using options = fail_options;
  static const auto table =
      options_of<options>{}
          .count("every", &options::every, {.least = 1},
                 "Which attempts fail: 1 all, 2 every second one, and so on; left out: 2, or 1 where times is given.")
          .example("2")
          .count("times", &options::times, {.least = 1},
                 "Only so many first attempts of each job fail; left out: any attempt may.")
          .example("2")
          .flag("for_good", &options::for_good, "Whether a job that fails is not tried again.")
          .duration("later", &options::later, {}, "Instead of failing, a job comes again after this time.")
          .example("5s");
  return table;
}

answer fail::handle(const job& work) {
  ++handled_;
  if (handled_ % every_ != 0 || (options_.times && work.attempt > *options_.times)) return std::nullopt;
  if (options_.later) return answer::later(*options_.later);
  std::string text = "failed on purpose: ";
  if (options_.times) {
    text += "attempt " + std::to_string(work.attempt) + " of the job, the first " + std::to_string(*options_.times) +
            " fail";
  } else {
    text += "attempt " + std::to_string(handled_) + " of this handler, one in " + std::to_string(every_) + " fails";
  }
  return options_.for_good ? rejected(std::move(text)) : invalid(std::move(text));
}

}  // namespace millrace::handlers
