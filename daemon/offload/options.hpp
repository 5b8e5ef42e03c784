#pragma once

#include <cstdint>
#include <optional>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>

namespace millrace::offload {

inline constexpr std::uint64_t threads_max = 1024;
inline constexpr std::uint64_t processes_max = 256;
inline constexpr std::uint64_t process_memory_least = std::uint64_t{16} << 20U;  ///< what an idle process may need
inline constexpr std::uint64_t process_memory_most = std::uint64_t{1} << 50U;
inline constexpr duration process_cpu_most = std::chrono::hours{24 * 3'650};
inline constexpr std::uint64_t backlog_most = 10'000'000;

struct pool_options {
  std::uint32_t threads{0};           ///< 0: one for each processor
  std::uint32_t backlog_max{10'000};  ///< computations that wait for a worker before callers are held
  std::optional<std::uint64_t> process_memory_max{};
  std::optional<duration> process_cpu_max{};
  std::uint32_t processes{0};  ///< for `run_on: processes`; 0: one for each processor
};

[[nodiscard]] const options_of<pool_options>& pool_option_table();

}  // namespace millrace::offload
