#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

inline constexpr std::uint32_t compare_runs_max = 1000;

/// The command line of `millrace compare` as a value.
struct compare_options {
  std::vector<std::string> workloads;                                            ///< settings files
  std::vector<std::string> modes{"sequential", "loop", "threads", "processes"};  ///< `as-written`: without --mode
  std::vector<std::string> against;                                              ///< command lines for a shell
  std::uint32_t runs{1};
  std::string daemon;  ///< the program; empty: the one beside this program
  std::string plot;    ///< an SVG file
  bool json{false};
};

[[nodiscard]] std::variant<compare_options, early_exit> read_compare_arguments(const std::vector<std::string>& words);

}  // namespace millrace::tools
