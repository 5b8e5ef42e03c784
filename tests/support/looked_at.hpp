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

/// All that a page of metrics looks at, and the page. `close` before it is destroyed.
struct looked_at {
  explicit looked_at(loop::event_loop& on) : loop{on} {}

  static loop::awaitable<> close(looked_at& it) {
    co_await it.page.close();
    it.broker.close();
    it.threads.close();
  }

  loop::event_loop& loop;
  store::memory_store store;
  broker::broker broker{loop, store};
  offload::thread_pool threads{loop, {.threads = 1}};
  workload::workload work{loop, broker, threads, {}};
  loop::stall_watch stalls{loop};
  telemetry::page page{{loop, broker, work, threads, stalls, "1.2.3", {}}};
};

/// What `promtool check metrics` has to say to a page: nothing, when it is right.
inline std::string promtool_says(const std::string& page) {
  char name[] = "/tmp/metrics_XXXXXX";
  const int file = ::mkstemp(name);
  if (file < 0) return "no temporary file";
  ::close(file);
  std::ofstream{name} << page;
  std::string said;
  if (FILE* const tool = ::popen((std::string{"promtool check metrics < "} + name + " 2>&1").c_str(), "r")) {
    std::array<char, 4096> bytes{};
    while (const auto got = std::fread(bytes.data(), 1, bytes.size(), tool)) said.append(bytes.data(), got);
    if (const int status = ::pclose(tool); status != 0) said += "(exit " + std::to_string(WEXITSTATUS(status)) + ")";
  } else {
    said = "promtool cannot be run";
  }
  ::unlink(name);
  return said;
}

}  // namespace millrace::testing
