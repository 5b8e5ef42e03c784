#include "service/beanstalkd_options.hpp"

#include <utility>

#include <millrace/base/quantity.hpp>

#include "network/options.hpp"

namespace millrace::service {

namespace {

/// beanstalkd has no limits for a tube. These are so large that other limits are reached first.
constexpr std::uint64_t jobs_max = 100'000'000;
constexpr std::uint64_t bytes_max = 16ull << 30;
constexpr const char* default_port = "11300";
/// beanstalkd listens on all addresses. Here, access from other machines must be requested.
constexpr const char* default_host = "127.0.0.1";

error invalid(const std::string& option, const std::string& value, const std::string& expected) {
  return {errc::invalid, option + ": '" + value + "' is invalid (expected " + expected + ")"};
}

result<network::address> address_of(const beanstalkd_options& options) {
  const auto port = parse_count(options.port.value_or(default_port));
  if (!port || *port > 65'535) return invalid("-p", *options.port, "a port from 0 to 65535");
  auto host = options.listen.value_or(default_host);
  if (host.starts_with("unix:")) {
    auto socket = network::parse_listen_address(host);
    if (!socket) return invalid("-l", host, "unix:PATH");
    return socket;
  }
  if (host.find(':') != std::string::npos && !host.starts_with('[')) host = "[" + host + "]";
  const auto address = host + ":" + std::to_string(*port);
  auto parsed = network::parse_listen_address(address);
  if (!parsed) return invalid("-l", *options.listen, "a numeric address, localhost, or unix:PATH");
  return parsed;
}

/// Sets the store and its durability. `-b` alone and `-f0`: a change is on disk before its reply leaves. `-f MS`: it is
/// on disk within this time. `-F`: it is written and never synced.
result<> set_durability(const beanstalkd_options& options, settings::settings& settings) {
  if (!options.data_dir) {
    if (options.sync_after || options.never_sync) return error{errc::invalid, "-f and -F need -b DIR"};
    return {};
  }
  if (options.data_dir->empty()) return invalid("-b", *options.data_dir, "the path of a directory");
  settings.daemon.data_dir = settings.daemon.store.data_dir = *options.data_dir;
  settings.queue_defaults.durability = engine::durability::sync;
  if (options.sync_after) {
    const auto after = parse_count(*options.sync_after);
    if (!after || *after > 3'600'000) return invalid("-f", *options.sync_after, "milliseconds from 0 to 3600000");
    if (*after > 0) {
      settings.queue_defaults.durability = engine::durability::relaxed;
      settings.daemon.store.relaxed_interval = milliseconds{*after};
    }
  }
  if (options.never_sync) {
    settings.queue_defaults.durability = engine::durability::relaxed;
    settings.daemon.store.relaxed_sync = false;
  }
  return {};
}

}  // namespace

result<settings::settings> settings_of(const beanstalkd_options& options) {
  settings::settings made;
  made.file = "(command line)";
  auto address = address_of(options);
  if (!address) return address.error();
  made.daemon.beanstalk = std::move(*address);
  made.daemon.http_given = options.http.has_value();
  made.daemon.http.reset();
  if (options.http) {
    auto http = network::parse_listen_address(*options.http);
    if (!http) return invalid("--http", *options.http, "a numeric address like 127.0.0.1:9464, or unix:PATH");
    made.daemon.http = std::move(*http);
  }
  if (options.job_bytes) {
    const auto bytes = parse_size(*options.job_bytes);
    if (!bytes || *bytes < 1 || *bytes > settings::max_job_size_most)
      return invalid("-z", *options.job_bytes, "bytes from 1 to " + std::to_string(settings::max_job_size_most));
    if (options.data_dir && *bytes > store::kept_job_bytes_max) {
      const auto most = std::to_string(store::kept_job_bytes_max);
      return invalid("-z", *options.job_bytes, "with -b at most " + most + " bytes");
    }
    made.daemon.max_job_size = static_cast<std::uint32_t>(*bytes);
  }
  if (auto kept = set_durability(options, made); !kept) return kept.error();
  made.queue_defaults.max_jobs = jobs_max;
  made.queue_defaults.max_bytes = bytes_max;
  made.queue_defaults.when_full = engine::overflow::reject;
  return made;
}

}  // namespace millrace::service
