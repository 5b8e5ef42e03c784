#include "service/drop_in.hpp"

#include <utility>

#include <millrace/base/quantity.hpp>

#include "network/options.hpp"

namespace millrace::service {

namespace {

/// beanstalkd knows no limits of a tube; ours are so wide that other limits are met first.
constexpr std::uint64_t jobs_max = 100'000'000;
constexpr std::uint64_t bytes_max = 16ull << 30;
constexpr const char* default_port = "11300";
/// Other than beanstalkd: whoever wants to be reached from elsewhere says so.
constexpr const char* default_host = "127.0.0.1";

error wrong(const std::string& option, const std::string& value, const std::string& expected) {
  return {errc::invalid, option + ": '" + value + "' is not understood (expected " + expected + ")"};
}

result<network::address> address_of(const drop_in_options& given) {
  const auto port = parse_count(given.port.value_or(default_port));
  if (!port || *port > 65'535) return wrong("-p", *given.port, "a port from 0 to 65535");
  auto host = given.listen.value_or(default_host);
  if (host.starts_with("unix:")) {
    auto socket = network::parse_listen_address(host);
    if (!socket) return wrong("-l", host, "unix:PATH");
    return socket;
  }
  if (host.find(':') != std::string::npos && !host.starts_with('[')) host = "[" + host + "]";
  const auto address = host + ":" + std::to_string(*port);
  auto parsed = network::parse_listen_address(address);
  if (!parsed) return wrong("-l", *given.listen, "an address in numbers, localhost, or unix:PATH");
  return parsed;
}

/// `-b` alone and `-f0`: a reply leaves when it is on disk. `-f MS`: it is on disk so soon. `-F`: it is written and
/// never synced.
result<> keep_on_disk(const drop_in_options& given, settings::settings& made) {
  if (!given.data_dir) {
    if (given.sync_after || given.never_sync) return error{errc::invalid, "-f and -F say how soon -b DIR is synced"};
    return {};
  }
  if (given.data_dir->empty()) return wrong("-b", *given.data_dir, "the path of a directory");
  made.daemon.data_dir = made.daemon.store.data_dir = *given.data_dir;
  made.queue_defaults.durability = engine::durability::sync;
  if (given.sync_after) {
    const auto after = parse_count(*given.sync_after);
    if (!after || *after > 3'600'000) return wrong("-f", *given.sync_after, "milliseconds from 0 to 3600000");
    if (*after > 0) {
      made.queue_defaults.durability = engine::durability::relaxed;
      made.daemon.store.relaxed_interval = milliseconds{*after};
    }
  }
  if (given.never_sync) {
    made.queue_defaults.durability = engine::durability::relaxed;
    made.daemon.store.relaxed_sync = false;
  }
  return {};
}

}  // namespace

result<settings::settings> settings_of(const drop_in_options& given) {
  settings::settings made;
  made.file = "(command line)";
  auto address = address_of(given);
  if (!address) return address.error();
  made.daemon.beanstalk = std::move(*address);
  made.daemon.http_given = given.http.has_value();
  made.daemon.http.reset();
  if (given.http) {
    auto http = network::parse_listen_address(*given.http);
    if (!http) return wrong("--http", *given.http, "an address in numbers like 127.0.0.1:9464, or unix:PATH");
    made.daemon.http = std::move(*http);
  }
  if (given.job_bytes) {
    const auto bytes = parse_size(*given.job_bytes);
    if (!bytes || *bytes < 1 || *bytes > settings::max_job_size_most)
      return wrong("-z", *given.job_bytes, "bytes from 1 to " + std::to_string(settings::max_job_size_most));
    if (given.data_dir && *bytes > store::kept_job_bytes_max)
      return wrong("-z", *given.job_bytes, "with -b at most " + std::to_string(store::kept_job_bytes_max) + " bytes");
    made.daemon.max_job_size = static_cast<std::uint32_t>(*bytes);
  }
  if (auto kept = keep_on_disk(given, made); !kept) return kept.error();
  made.queue_defaults.max_jobs = jobs_max;
  made.queue_defaults.max_bytes = bytes_max;
  made.queue_defaults.when_full = engine::overflow::reject;
  return made;
}

}  // namespace millrace::service
