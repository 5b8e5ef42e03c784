#include "settings/settings.hpp"

#include <charconv>
#include <utility>

#include "base/log_rules.hpp"

namespace millrace::settings {

namespace {

using optional_address = std::optional<network::address>;

result<optional_address> parse_listener(std::string_view text) {
  if (text == "off" || text == "false") return optional_address{};
  auto address = network::parse_listen_address(text);
  if (!address) return address.error();
  return optional_address{std::move(*address)};
}

std::string write_listener(const optional_address& address) {
  return address ? network::write_address(*address) : "off";
}

result<optional_address> parse_control(std::string_view text) {
  auto address = parse_listener(text);
  if (address && *address && (*address)->unix_path.empty())
    return invalid("`" + std::string{text} + "` is no Unix socket: the permissions of its file decide who may control");
  return address;
}

constexpr std::uint32_t permissions_max = 0777;

/// As chmod takes it: `0660` or `660`.
result<std::uint32_t> parse_permissions(std::string_view text) {
  std::uint32_t mode = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (failure != std::errc{} || end != text.data() + text.size() || text.size() < 3 || mode > permissions_max)
    return invalid("`" + std::string{text.substr(0, 20)} + "` is no mode of three octal digits");
  return mode;
}

std::string write_permissions(const std::uint32_t& mode) {
  std::string digits = "0000";
  std::uint32_t left = mode;
  for (std::size_t n = digits.size(); n > 1; left >>= 3u) digits[--n] = static_cast<char>('0' + (left & 7u));
  return digits;
}

result<> check_group(std::string_view text) {
  if (text.empty()) return invalid("is empty");
  return {};
}

result<duration> parse_bucket(std::string_view text) {
  const auto bound = parse_duration(text);
  if (!bound) return bound.error();
  const auto& known = histogram_bounds::fine();
  if (*bound < known.upper().front() || *bound > known.upper().back())
    return invalid("`" + std::string{text} + "` is outside of 10us to 10m, the range of the histograms");
  if (!known.contains(*bound))
    return invalid("`" + std::string{text} +
                   "` has more than two significant digits, so it is no bound of the histograms");
  return *bound;
}

result<> check_directory(std::string_view text) {
  if (text.empty()) return invalid("is empty");
  return {};
}

}  // namespace

const options_of<daemon_options>& daemon_option_table() {
  using options = daemon_options;
  static const auto table =
      options_of<options>{}
          .parsed("http", &options::http, "Address of metrics and health; off: none.", parse_listener, write_listener,
                  "an address like 127.0.0.1:9464, [::1]:9464 or unix:/run/millrace.sock, or off")
          .parsed("beanstalk", &options::beanstalk, "Address for clients of the beanstalk protocol; off: none.",
                  parse_listener, write_listener,
                  "an address like 127.0.0.1:11300, [::1]:11300 or unix:/run/millrace-queue.sock, or off")
          .count("beanstalk_connections_max", &options::beanstalk_connections_max, {.least = 1, .most = 1'000'000},
                 "Connections of clients at a time; further ones wait until one ends.")
          .parsed("control", &options::control,
                  "Unix socket of the control API, which `millrace status` and others use; off: none.", parse_control,
                  write_listener, "a path like unix:/run/millrace/control.sock, or off")
          .parsed("control_mode", &options::control_mode,
                  "Permissions of that socket, in octal: who may write to it may control the daemon.",
                  parse_permissions, write_permissions, "an octal mode like 0600 or 0660")
          .text("control_group", &options::control_group, "Group of that socket; without it, the group of the daemon.",
                check_group, "the name of a group")
          .example("millrace")
          .size("max_job_size", &options::max_job_size, {.least = 1, .most = max_job_size_most},
                "Largest job body that a client may put.")
          .text("data_dir", &options::data_dir,
                "Directory in which jobs are stored; without it, queues are in memory only.", check_directory, "a path")
          .example("/var/lib/millrace")
          .section("store", &options::store, store::store_option_table(),
                   "Storage of jobs in data_dir: sync intervals and limits.")
          .section("offload", &options::offload, offload::pool_option_table(),
                   "Threads and processes for handlers that compute.")
          .duration("drain_timeout", &options::drain_timeout, {.most = hours{24}},
                    "Time that running jobs have to end when the daemon is stopped.")
          .duration("stall_threshold", &options::stall_threshold, {.least = milliseconds{1}, .most = hours{1}},
                    "A task that blocks the loop longer than this is counted and logged.")
          .section("log", &options::log, log::rules_option_table(), "What is logged.")
          .count("queues_max", &options::queues_max, {.least = 1, .most = engine::queues_max_most},
                 "Number of queues, including those of clients.")
          .count("groups_max", &options::groups_max, {.least = 1, .most = 10'000'000},
                 "Number of groups that are not over.")
          .count("group_members_max", &options::group_members_max, {.least = 1, .most = 10'000'000},
                 "Number of jobs in one group.")
          .parsed_list(
              "histogram_buckets", &options::histogram_buckets,
              "Upper bounds of the buckets of histograms in the metrics, rising, with at most two significant "
              "digits; empty: 1ms, 10ms, 100ms, 1s, 10s, 1m and 10m for queues, and about three per decade, from 10us "
              "to 10m, for the rest.",
              parse_bucket, write_duration, "a rising list of durations like 25ms or 2.5s")
          .duration(
              "metrics_linger", &options::metrics_linger, {.most = hours{24 * 365}},
              "Time for which metrics still show a queue, producer or consumer that was removed; a new one of the "
              "same name continues its counts.");
  return table;
}

}  // namespace millrace::settings
