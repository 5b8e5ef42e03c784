#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/page_fixture.hpp"
#include "telemetry/command_metrics.hpp"
#include "telemetry/group_metrics.hpp"
#include "telemetry/process.hpp"
#include "telemetry/queue_metrics.hpp"
#include "telemetry/store_metrics.hpp"
#include "telemetry/work_metrics.hpp"

using namespace millrace;

namespace {

/// A page with one sample of each family.
struct full_page {
  full_page() {
    telemetry::queue_row queue;
    queue.name = "numbers";
    queue.limit_jobs = queue.limit_bytes = 1;
    telemetry::queue_row others;
    others.name = engine::other_queues_name;
    histogram seen;
    seen.observe(milliseconds{3});
    for (auto* const times : {&queue.wait, &queue.service, &queue.end_to_end})
      times->add(seen, telemetry::shown_buckets{telemetry::queue_bounds()});
    telemetry::write(page,
                     telemetry::queue_copy{
                         {}, {queue, others}, {telemetry::queue_bounds().begin(), telemetry::queue_bounds().end()}});

    telemetry::write(page, telemetry::group_copy{1, 2});

    telemetry::work_copy work;
    work.producers.push_back({"candidates", 1, 0, {}});
    work.consumers.push_back({"primality", 1, 4, 0, 0, 0});
    work.pools.push_back({"threads", 2, 1, 0, 0, {}});
    work.stages.push_back({"producer", 0, {}});
    telemetry::write(page, work);

    telemetry::command_copy commands;
    commands.protocols.push_back({"beanstalk", {}, {}});
    for (auto& seconds : commands.protocols[0].seconds) seconds.add(seen, telemetry::shown_buckets{});
    telemetry::write(page, commands);

    telemetry::store_copy stores;
    stores.stores.emplace_back().name = "disk";
    stores.stores[0].commit.add(histogram{}, telemetry::shown_buckets{});
    stores.stores[0].commit_jobs.observe(7);
    telemetry::write(page, stores);

    telemetry::system_copy system;
    system.version = "1.2.3";
    system.stalls.push_back({"report", 1, {}});
    system.listeners.push_back({"http", 1, 2, {{"bad_request", 0}}});
    system.reload.emplace();
    telemetry::write(page, system, telemetry::read_process_facts());
  }
  telemetry::exposition page{telemetry::shown_buckets{}};
};

/// The metrics of the documented table. Tests run in the top folder of the repository.
std::set<std::string> promised() {
  std::set<std::string> names;
  std::ifstream document{"config/README.md"};
  std::string line;
  while (std::getline(document, line) && !line.starts_with("| metric (prefix `millrace_`)")) continue;
  while (std::getline(document, line) && line.starts_with('|')) {
    const auto cell = line.substr(1, line.find('|', 1) - 1);
    for (auto begin = cell.find('`'); begin != std::string::npos; begin = cell.find('`', begin)) {
      const auto end = cell.find('`', begin + 1);
      const auto name = cell.substr(begin + 1, end - begin - 1);
      if (name.find('*') == std::string::npos) names.insert("millrace_" + name);
      begin = end + 1;
    }
  }
  return names;
}

constexpr std::string_view of_process = "process_";

}  // namespace

TEST_CASE("the families are those of the documented table and of the process") {
  const auto names = promised();
  REQUIRE(names.size() > 30);
  full_page fixture;
  std::set<std::string> own, process;
  for (const auto& name : fixture.page.names()) (name.starts_with(of_process) ? process : own).insert(name);
  CHECK(own == names);
  CHECK(process == std::set<std::string>{"process_cpu_seconds_total", "process_max_fds", "process_open_fds",
                                         "process_resident_memory_bytes", "process_start_time_seconds",
                                         "process_threads", "process_virtual_memory_bytes"});
}

TEST_CASE("promtool accepts a page with all families") {
  full_page fixture;
  const auto names = fixture.page.names();
  const auto text = std::move(fixture.page).text();
  for (const auto& name : names) CHECK(text.find("\n" + name) != std::string::npos);
  CHECK(testing::promtool_says(text).empty());
}

TEST_CASE("promtool rejects an invalid page") { CHECK_FALSE(testing::promtool_says("jobs{ 1\n").empty()); }
