#pragma once

#include <optional>
#include <string>

#include "tools/bench_arguments.hpp"

namespace millrace::tools {

/// The words behind the options of `millrace bench` that take one; empty: not given.
struct bench_words {
  std::string server, against, phase, connections, depth, body, jobs, length, warm_up, rate, queues, queue, idle, extra,
      backlog, repeat, plot;
};

/// Words → options, defaults filled in. What is wrong, if something is: the option, why, and what was expected.
[[nodiscard]] std::optional<std::string> understand(const bench_words& words, bench_options& into);

}  // namespace millrace::tools
