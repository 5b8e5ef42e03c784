#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "loop/child_launcher.hpp"
#include "network/http_client_counts.hpp"
#include "offload/worker_host.hpp"

namespace millrace::handlers {

/// A loop, a standard output and a launcher of programs for handlers.
struct handler_fixture {
  explicit handler_fixture(loop::clock_kind clock = loop::clock_kind::manual, int descriptor = 1)
      : loop{clock}, context{loop, output, descriptor, &children, &workers, &http_clients} {}
  ~handler_fixture() {
    output.close();
    loop.run_ready();
  }
  handler_fixture(const handler_fixture&) = delete;
  handler_fixture& operator=(const handler_fixture&) = delete;

  loop::event_loop loop;
  loop::io_thread output{loop, "standard output"};
  loop::child_launcher children{loop};
  offload::worker_host workers{loop, children, {}};
  network::http_client_counts http_clients;
  handler_context context;
};

[[nodiscard]] inline job job_with(std::string_view content) { return {job_id{1}, body{content}, "numbers", 1}; }

/// Runs all steps of the computation for a body.
[[nodiscard]] inline result<std::string> compute(computing_handler& computing, std::string_view content,
                                                 std::size_t* steps = nullptr) {
  result<std::unique_ptr<offload::computation>> work = computing.begin(job_with(content));
  if (!work) return work.error();
  std::size_t count = 1;
  while ((*work)->step() == offload::progress::more) ++count;
  if (steps != nullptr) *steps = count;
  return (*work)->take_result();
}

/// The text of a result or of its error.
[[nodiscard]] inline std::string text_of(const result<std::string>& text) { return text ? *text : text.error().text; }

}  // namespace millrace::handlers
