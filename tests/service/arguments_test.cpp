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

farewell refused(const std::vector<std::string>& words) {
  auto given = read_arguments(words);
  REQUIRE(std::holds_alternative<farewell>(given));
  CHECK(std::get<farewell>(given).code == exit_code::bad_settings);
  return std::get<farewell>(given);
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

TEST_CASE("beanstalkd's options are recognised with and without a blank") {
  CHECK(refused({"-p", "11300"}).text.find("-p: this option of beanstalkd") != std::string::npos);
  CHECK(refused({"-p11300"}).text.find("-p: this option of beanstalkd") != std::string::npos);
  CHECK(refused({"-x"}).text.find("unknown option -x") != std::string::npos);
}

TEST_CASE("worker processes are not here yet") {
  CHECK(refused({"--config", "x", "--mode", "processes"}).text.find("planned, not here yet") != std::string::npos);
}
