#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/time.hpp>

#include "beanstalk/counts.hpp"
#include "engine/engine.hpp"
#include "network/listener.hpp"
#include "wire/beanstalk_reply.hpp"

/// The protocol's statistics (PROTOCOL.md §5): keys in the order in which beanstalkd has them.
namespace millrace::beanstalk {

/// The version that the `stats` command shows. Libraries read it as a number, and use what came with 1.8 only above it.
inline constexpr std::string_view protocol_version = "1.13";

/// Facts about the server, for its statistics.
struct server_facts {
  std::uint32_t max_job_size{0};
  instant began_at{};
  std::string id;  ///< 16 hex digits, the first a letter; new at each start
  network::listener_counts* listener{nullptr};
  bool draining{false};
};
[[nodiscard]] std::string new_server_id();

[[nodiscard]] wire::beanstalk_yaml stats_of_server(const engine::engine& engine, const session_counts& counts,
                                                   const server_facts& facts, instant now);
[[nodiscard]] wire::beanstalk_yaml stats_of_tube(std::string_view name, const engine::queue_levels& levels,
                                                 const engine::queue_counts& counts, instant now);
[[nodiscard]] wire::beanstalk_yaml stats_of_job(const engine::job_facts& job, std::string_view tube, instant now);

}  // namespace millrace::beanstalk
