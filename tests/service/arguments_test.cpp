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

TEST_CASE("a settings file alone is run") {
  const auto given = read({"--config", "x.yaml"});
  CHECK(given.what == task::run);
  CHECK(given.config == "x.yaml");
  CHECK_FALSE(given.until_idle);
  CHECK_FALSE(given.limit);
  CHECK(given.mode == workload::mode::as_set);
  CHECK(given.format == log_format::automatic);
  CHECK(given.least == log::level::info);
}

TEST_CASE("every word is understood") {
  const auto given = read({"--config=x.yaml", "--until-idle", "--limit", "2k", "--mode", "sequential", "--log-format",
                           "json", "--log-level=debug"});
  CHECK(given.until_idle);
  CHECK(given.limit == 2'000u);
  CHECK(given.mode == workload::mode::sequential);
  CHECK(given.format == log_format::json);
  CHECK(given.least == log::level::debug);
}

TEST_CASE("errands that read no file need none") {
  CHECK(read({"--print-schema"}).what == task::print_schema);
  CHECK(read({"--print-example-config"}).what == task::print_example_config);
  CHECK(refused({"--check"}).text.find("--config FILE is missing") != std::string::npos);
}

TEST_CASE("beanstalkd's options for a disk") {
  const auto kept = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"-b", "/var/lib/x"});
    return settings_of(read(words).drop_in).value();
  };
  CHECK(kept({}).daemon.data_dir == "/var/lib/x");
  CHECK(kept({}).daemon.store.data_dir == "/var/lib/x");
  CHECK(kept({}).queue_defaults.durability == engine::durability::sync);
  CHECK(kept({"-f0"}).queue_defaults.durability == engine::durability::sync);
  CHECK(kept({"-f", "25"}).queue_defaults.durability == engine::durability::relaxed);
  CHECK(kept({"-f", "25"}).daemon.store.relaxed_interval == milliseconds{25});
  CHECK(kept({"-f25"}).daemon.store.relaxed_sync);
  CHECK_FALSE(kept({"-F"}).daemon.store.relaxed_sync);
  CHECK(kept({"-c", "-n"}).queue_defaults.durability == engine::durability::sync);
  CHECK(kept({"-s", "1000000"}).queue_defaults.durability == engine::durability::sync);
  CHECK(settings_of(read({"-p1", "-f50"}).drop_in).error().text == "-f and -F say how soon -b DIR is synced");
  CHECK(settings_of(read({"-b", "x", "-f", "soon"}).drop_in).error().text.starts_with("-f: 'soon'"));
  CHECK(refused({"-x"}).text.find("unknown option -x") != std::string::npos);
}

TEST_CASE("beanstalkd's options stand instead of a settings file") {
  const auto given = std::get<arguments>(read_arguments({"-l", "::1", "-p11399", "-z", "1000", "-u", "nobody", "-VV"}));
  CHECK(given.config.empty());
  CHECK(given.drop_in.any());
  CHECK(given.drop_in.user == "nobody");
  CHECK(given.least == log::level::debug);
  const auto made = settings_of(given.drop_in).value();
  CHECK(network::write_address(made.daemon.beanstalk.value()) == "[::1]:11399");
  CHECK_FALSE(made.daemon.http.has_value());
  CHECK(made.daemon.max_job_size == 1'000);
  CHECK(made.queue_defaults.when_full == engine::overflow::reject);
  CHECK(refused({"--config", "x", "-p", "1"}).text.find("not beside it") != std::string::npos);
  CHECK(refused({"--http", "127.0.0.1:1"}).text.find("--config FILE is missing") != std::string::npos);
}

TEST_CASE("beanstalkd's options: where it listens, and what is refused") {
  using given = drop_in_options;
  const auto address = [](const given& what) {
    return network::write_address(settings_of(what).value().daemon.beanstalk.value());
  };
  const auto wrong = [](const given& what) { return settings_of(what).error().text; };
  CHECK(address({.port = "11300"}) == "127.0.0.1:11300");
  CHECK(address({.listen = "0.0.0.0"}) == "0.0.0.0:11300");
  CHECK(address({.listen = "unix:/run/x"}) == "unix:/run/x");
  CHECK(wrong({.port = "65536"}).starts_with("-p: '65536'"));
  CHECK(wrong({.port = "x"}).starts_with("-p: 'x'"));
  CHECK(wrong({.listen = "unix:"}).starts_with("-l: "));
  CHECK(wrong({.listen = "example.org"}).starts_with("-l: 'example.org'"));
  CHECK(wrong({.data_dir = ""}) == "-b: '' is not understood (expected the path of a directory)");
  CHECK(wrong({.port = "1", .job_bytes = "1073741825"}).starts_with("-z: "));
  CHECK(wrong({.port = "1", .job_bytes = "0"}).starts_with("-z: "));
  CHECK(wrong({.port = "1", .http = "nowhere"}).starts_with("--http: "));
  CHECK(settings_of({.job_bytes = "1073741824"}).value().daemon.max_job_size == 1u << 30);
}

TEST_CASE("worker processes are not here yet") {
  CHECK(refused({"--config", "x", "--mode", "processes"}).text.find("planned, not here yet") != std::string::npos);
}
