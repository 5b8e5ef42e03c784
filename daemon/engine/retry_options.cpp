#include "engine/retry_options.hpp"

namespace millrace::engine {

const options_of<retry_options>& retry_option_table() {
  using options = retry_options;
  constexpr duration length_max = std::chrono::hours{24 * 3'650};
  static const auto table =
      options_of<options>{}
          .count("attempts", &options::attempts, {.least = 1, .most = 1'000'000},
                 "Failures after which a job is not tried again; 1: no retry.")
          .example("5")
          .choice("backoff", &options::backoff,
                  {{"constant", backoff::constant}, {"linear", backoff::linear}, {"exponential", backoff::exponential}},
                  "How the wait before the next attempt grows.")
          .duration("first", &options::first, {.least = std::chrono::milliseconds{1}, .most = length_max},
                    "The wait before the second attempt.")
          .duration("max", &options::max, {.least = std::chrono::milliseconds{1}, .most = length_max},
                    "The longest wait, before the jitter.")
          .real("jitter", &options::jitter, {.least = 0, .most = 1},
                "Each wait is multiplied by a factor between 1 - jitter and 1 + jitter.")
          .duration("within", &options::within, {.least = std::chrono::milliseconds{1}, .most = length_max},
                    "No attempt is due later than this after the put; left out: no limit.")
          .example("1h");
  return table;
}

}  // namespace millrace::engine
