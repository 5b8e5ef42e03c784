#pragma once

#include <optional>
#include <string>

#include "tools/bench_arguments.hpp"

namespace millrace::tools {

/// The option values of `millrace bench` as text; empty: not given.
struct bench_words {
  std::string server, against, phase, connections, depth, body, jobs, length, warm_up, rate, queues, queue, idle, extra,
      backlog, repeat, plot;
};

/// Parses the values into options, with defaults. An error names the option, the reason, and what was expected.
[[nodiscard]] std::optional<std::string> understand(const bench_words& words, bench_options& into);

}  // namespace millrace::tools
