#include "service/arguments.hpp"

#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::service;

namespace {

arguments read(const std::vector<std::string>& words) {
  auto given = read_arguments(words);
  REQUIRE(std::holds_alternative<arguments>(given));
  return std::get<arguments>(given);
}

early_exit refused(const std::vector<std::string>& words) {
  auto given = read_arguments(words);
  REQUIRE(std::holds_alternative<early_exit>(given));
  CHECK(std::get<early_exit>(given).code == exit_code::bad_settings);
  return std::get<early_exit>(given);
}

}  // namespace

TEST_CASE("the daemon runs a settings file, with defaults for every option") {
  const auto given = read({"--config", "x.yaml"});
  CHECK(given.task == task::run);
  CHECK(given.config == "x.yaml");
  CHECK_FALSE(given.until_idle);
  CHECK_FALSE(given.limit);
  CHECK(given.mode == workload::mode::as_set);
  CHECK(given.format == log_format::automatic);
  CHECK_FALSE(given.level_min.has_value());
}

TEST_CASE("options are accepted with = and with a space") {
  const auto given = read({"--config=x.yaml", "--until-idle", "--limit", "2k", "--mode", "sequential", "--log-format",
                           "json", "--log-level=debug"});
  CHECK(given.until_idle);
  CHECK(given.limit == 2'000u);
  CHECK(given.mode == workload::mode::sequential);
  CHECK(given.format == log_format::json);
  CHECK(given.level_min == log::level::debug);
}

TEST_CASE("tasks that read no settings file do not need --config") {
  CHECK(read({"--print-schema"}).task == task::print_schema);
  CHECK(read({"--print-example-config"}).task == task::print_example_config);
  CHECK(refused({"--check"}).text.find("--config FILE is missing") != std::string::npos);
}

TEST_CASE("beanstalkd's options -b, -f and -F choose the data directory and the durability") {
  const auto with_directory = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"-b", "/var/lib/x"});
    return settings_of(read(words).beanstalkd).value();
  };
  CHECK(with_directory({}).daemon.data_dir == "/var/lib/x");
  CHECK(with_directory({}).daemon.store.data_dir == "/var/lib/x");
  CHECK(with_directory({}).queue_defaults.durability == engine::durability::sync);
  CHECK(with_directory({"-f0"}).queue_defaults.durability == engine::durability::sync);
  CHECK(with_directory({"-f", "25"}).queue_defaults.durability == engine::durability::relaxed);
  CHECK(with_directory({"-f", "25"}).daemon.store.relaxed_interval == milliseconds{25});
  CHECK(with_directory({"-f25"}).daemon.store.relaxed_sync);
  CHECK_FALSE(with_directory({"-F"}).daemon.store.relaxed_sync);
  CHECK(with_directory({"-c", "-n"}).queue_defaults.durability == engine::durability::sync);
  CHECK(with_directory({"-s", "1000000"}).queue_defaults.durability == engine::durability::sync);
  CHECK(settings_of(read({"-p1", "-f50"}).beanstalkd).error().text == "-f and -F need -b DIR");
  CHECK(settings_of(read({"-b", "x", "-f", "soon"}).beanstalkd).error().text.starts_with("-f: 'soon'"));
  CHECK(refused({"-x"}).text.find("unknown option -x") != std::string::npos);
}

TEST_CASE("beanstalkd's options replace a settings file") {
  const auto given = std::get<arguments>(read_arguments({"-l", "::1", "-p11399", "-z", "1000", "-u", "nobody", "-VV"}));
  CHECK(given.config.empty());
  CHECK(given.beanstalkd.any());
  CHECK(given.beanstalkd.user == "nobody");
  CHECK(given.level_min == log::level::debug);
  const auto made = settings_of(given.beanstalkd).value();
  CHECK(network::write_address(made.daemon.beanstalk.value()) == "[::1]:11399");
  CHECK_FALSE(made.daemon.http.has_value());
  CHECK(made.daemon.max_job_size == 1'000);
  CHECK(made.queue_defaults.when_full == engine::overflow::reject);
  CHECK(refused({"--config", "x", "-p", "1"}).text.find("cannot be combined with --config") != std::string::npos);
  CHECK(refused({"--http", "127.0.0.1:1"}).text.find("--config FILE is missing") != std::string::npos);
}

TEST_CASE("beanstalkd's options set the listen address, and invalid values are refused") {
  const auto address = [](const beanstalkd_options& options) {
    return network::write_address(settings_of(options).value().daemon.beanstalk.value());
  };
  const auto error_of = [](const beanstalkd_options& options) { return settings_of(options).error().text; };
  CHECK(address({.port = "11300"}) == "127.0.0.1:11300");
  CHECK(address({.listen = "0.0.0.0"}) == "0.0.0.0:11300");
  CHECK(address({.listen = "unix:/run/x"}) == "unix:/run/x");
  CHECK(error_of({.port = "65536"}).starts_with("-p: '65536'"));
  CHECK(error_of({.port = "x"}).starts_with("-p: 'x'"));
  CHECK(error_of({.listen = "unix:"}).starts_with("-l: "));
  CHECK(error_of({.listen = "example.org"}).starts_with("-l: 'example.org'"));
  CHECK(error_of({.data_dir = ""}) == "-b: '' is invalid (expected the path of a directory)");
  CHECK(error_of({.port = "1", .job_bytes = "1073741825"}).starts_with("-z: "));
  CHECK(error_of({.port = "1", .job_bytes = "0"}).starts_with("-z: "));
  CHECK(error_of({.port = "1", .http = "nowhere"}).starts_with("--http: "));
  CHECK(settings_of({.job_bytes = "1073741824"}).value().daemon.max_job_size == 1u << 30);
}
