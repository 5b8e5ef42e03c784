#include "settings/settings.hpp"

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
          .size("max_job_size", &options::max_job_size, {.least = 1, .most = max_job_size_most},
                "Largest job body that a client may put.")
          .text("data_dir", &options::data_dir,
                "Directory in which jobs are stored; without it, queues are in memory only.", check_directory, "a path")
          .example("/var/lib/millrace")
          .section("store", &options::store, store::store_option_table(),
                   "Storage of jobs in data_dir: sync intervals and limits.")
          .section("offload", &options::offload, offload::pool_option_table(), "Threads for handlers that compute.")
          .duration("drain_timeout", &options::drain_timeout, {.most = hours{24}},
                    "Time that running jobs have to end when the daemon is stopped.")
          .duration("stall_threshold", &options::stall_threshold, {.least = milliseconds{1}, .most = hours{1}},
                    "A task that blocks the loop longer than this is counted and logged.")
          .section("log", &options::log, log::rules_option_table(), "What is logged.")
          .count("queues_max", &options::queues_max, {.least = 1, .most = 10'000'000},
                 "Number of queues, including those of clients.")
          .parsed_list("histogram_buckets", &options::histogram_buckets,
                       "Upper bounds of the buckets of histograms in the metrics, rising, with at most two significant "
                       "digits; empty: about three per decade, from 10us to 10m.",
                       parse_bucket, write_duration, "a rising list of durations like 25ms or 2.5s")
          .duration(
              "metrics_linger", &options::metrics_linger, {.most = hours{24 * 365}},
              "Time for which metrics still show a queue that was removed; a new queue of the same name continues "
              "its counts.");
  return table;
}

}  // namespace millrace::settings
