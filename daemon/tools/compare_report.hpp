#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <millrace/base/time.hpp>

#include "tools/program_run.hpp"
#include "tools/trace_rows.hpp"

namespace millrace::tools {

/// The median and the 99th percentile, as the summary of a run says.
struct two_quantiles {
  double p50{0}, p99{0};  ///< seconds
};

/// All runs of one program.
struct contestant {
  std::string workload{};  ///< the name of the settings file without folder and extension; empty: another program
  std::string name{};      ///< the mode, or the command line of another program
  std::vector<std::string> command{};
  std::vector<program_run> runs{};
  std::optional<two_quantiles> service{}, loop_lag{};  ///< of the last run
  std::optional<trace_rows> trace{};                   ///< of a run of its own, for the drawing

  [[nodiscard]] bool is_mode() const noexcept { return !workload.empty(); }
};

/// The spread of one figure over the runs.
struct spread {
  double median{0}, least{0}, most{0};
};
/// Requires: at least one run.
[[nodiscard]] spread spread_of(const contestant& of, double (*figure)(const program_run&));
[[nodiscard]] double wall_seconds(const program_run& run);
[[nodiscard]] double processor_seconds(const program_run& run);

/// Reads `service` and `loop_lag` from the summary of the last run: the last line of its standard error is a JSON
/// object (`--summary json`). Does nothing if it is not there.
void read_summary(contestant& of);

/// The first lines of a run in one row, and how many there are if not all are shown.
[[nodiscard]] std::string order_of(const program_run& run);

/// Requires: each of `all` has at least one run.
[[nodiscard]] std::string comparison_table(std::span<const contestant> all);
[[nodiscard]] std::string comparison_json(std::span<const contestant> all, std::uint32_t runs);

}  // namespace millrace::tools
