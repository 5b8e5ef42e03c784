#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/base/time.hpp>

#include "base/log.hpp"
#include "engine/options.hpp"
#include "network/options.hpp"
#include "offload/options.hpp"
#include "store/options.hpp"
#include "workload/options.hpp"

namespace millrace::settings {

inline constexpr std::size_t histogram_buckets_max = 100;
inline constexpr std::uint32_t max_job_size_most = 1u << 30;  ///< as beanstalkd's

/// The section `daemon`.
struct daemon_options {
  std::optional<network::address> http{{.host = "127.0.0.1", .port = 9464, .unix_path = {}}};  ///< nullopt: `off`
  bool http_given{false};                     ///< the file sets the address; false: it is the default
  std::optional<network::address> beanstalk;  ///< nullopt: `off`
  std::uint32_t beanstalk_connections_max{20'000};
  std::optional<network::address> control;   ///< a Unix socket; nullopt: `off`
  std::uint32_t control_mode{0600};          ///< permissions of its file
  std::optional<std::string> control_group;  ///< group of its file; nullopt: the group of the process
  std::uint32_t max_job_size{65'535};        ///< bytes of the body of a put of a client
  std::optional<std::string> data_dir;       ///< nullopt: queues are in memory only
  store::store_options store;                ///< its `data_dir` is the same
  offload::pool_options offload;
  duration drain_timeout{std::chrono::seconds{30}};
  duration stall_threshold{std::chrono::milliseconds{100}};
  log::rules log;
  std::uint32_t queues_max{200'000};
  std::uint32_t groups_max{100'000};
  std::uint32_t group_members_max{1'000'000};
  std::vector<duration> histogram_buckets;  ///< ascending; empty: the default ones
  duration metrics_linger{std::chrono::minutes{15}};
};
[[nodiscard]] const options_of<daemon_options>& daemon_option_table();

/// The contents of a settings file, checked, with every default.
struct settings {
  std::string file;
  daemon_options daemon;
  engine::queue_options queue_defaults;
  std::vector<std::pair<std::string, engine::queue_options>> queues;  ///< in the order of the file
  std::vector<workload::producer_settings> producers;
  std::vector<workload::consumer_settings> consumers;
};

}  // namespace millrace::settings
