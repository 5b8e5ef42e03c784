#include <benchmark/benchmark.h>

#include <unistd.h>

#include <string_view>

#include "loop/child_guard.hpp"

/// Runs the benchmarks, or as the guard of the commands that one of them starts.
int main(int argc, char** argv) {
  if (argc == 2 && std::string_view{argv[1]} == millrace::loop::child_guard_argument)
    return millrace::loop::run_child_guard(STDIN_FILENO);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
