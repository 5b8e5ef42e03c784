#pragma once

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/memory_store.hpp"
#include "telemetry/page.hpp"

namespace millrace::testing {

/// A page of metrics, and the parts of the daemon that it shows. Await `close` before destruction.
struct page_fixture {
  explicit page_fixture(loop::event_loop& owner) : loop{owner} {}

  static loop::awaitable<> close(page_fixture& fixture) {
    co_await fixture.page.close();
    fixture.broker.close();
    fixture.threads.close();
  }

  loop::event_loop& loop;
  store::memory_store store;
  broker::broker broker{loop, store};
  offload::thread_pool threads{loop, {.threads = 1}};
  workload::workload work{loop, broker, threads, {}};
  loop::stall_watch stalls{loop};
  telemetry::page page{{loop, broker, work, threads, stalls, "1.2.3", {}, {}}};
};

/// The output of `promtool check metrics` for a page. Empty if the page is correct.
inline std::string promtool_says(const std::string& page) {
  char name[] = "/tmp/metrics_XXXXXX";
  const int file = ::mkstemp(name);
  if (file < 0) return "no temporary file";
  ::close(file);
  std::ofstream{name} << page;
  std::string output;
  if (FILE* const tool = ::popen((std::string{"promtool check metrics < "} + name + " 2>&1").c_str(), "r")) {
    std::array<char, 4096> bytes{};
    while (const auto got = std::fread(bytes.data(), 1, bytes.size(), tool)) output.append(bytes.data(), got);
    if (const int status = ::pclose(tool); status != 0) output += "(exit " + std::to_string(WEXITSTATUS(status)) + ")";
  } else {
    output = "promtool cannot be run";
  }
  ::unlink(name);
  return output;
}

}  // namespace millrace::testing
