#pragma once

#include <string>
#include <vector>

#include "tools/bench_arguments.hpp"
#include "tools/server_result.hpp"

namespace millrace::tools {

/// One line about a run, for its end.
[[nodiscard]] std::string line_of(const run_stats& run, const bench_options& options);
/// The kind of load, in one line: `mix, 64 connections x depth 8, bodies of 64 B`.
[[nodiscard]] std::string shape_of(const bench_options& options);
/// The report for users: a table for each server (one or two), and the ratio of two.
[[nodiscard]] std::string table_of(const std::vector<server_result>& servers, const bench_options& options);
/// The same for programs: one JSON object and a newline. Its names are promised by --help.
[[nodiscard]] std::string json_of(const std::vector<server_result>& servers, const bench_options& options);

/// The latency distribution of each server, as an SVG chart.
[[nodiscard]] std::string picture_of(const std::vector<server_result>& servers, const bench_options& options);

}  // namespace millrace::tools
