#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <millrace/base/time.hpp>

#include "network/options.hpp"
#include "tools/exit_code.hpp"

namespace millrace::tools {

enum class bench_phase { put, drain, mix };

/// The command line of `millrace bench` as a value.
struct bench_options {
  network::address server{"127.0.0.1", 11'300, {}};
  std::optional<network::address> against;
  bench_phase phase{bench_phase::mix};
  std::uint32_t connections{16};
  std::uint32_t depth{8};
  std::uint32_t body_bytes{64};
  std::uint64_t jobs{0};  ///< 0: as many as `length` allows
  duration length{0};
  duration warm_up{0};
  double rate{0};  ///< jobs a second; 0: a closed loop
  std::uint32_t queues{1};
  std::string queue;  ///< empty: the run makes its own names
  std::uint32_t idle_connections{0};
  std::uint32_t extra_queues{0};
  std::uint64_t backlog{0};
  std::uint32_t repeat{1};
  bool json{false};
  bool quiet{false};
  std::string plot;
};

/// Parses the arguments of `millrace bench`.
[[nodiscard]] std::variant<bench_options, early_exit> read_bench_arguments(const std::vector<std::string>& words);

}  // namespace millrace::tools
