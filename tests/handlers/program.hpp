#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

namespace millrace::handlers {

/// What a handler needs around it.
struct program {
  explicit program(loop::clock_kind clock = loop::clock_kind::manual, int output = 1)
      : loop{clock}, where{loop, lane, output} {}
  ~program() {
    lane.close();
    loop.run_ready();
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  loop::event_loop loop;
  loop::io_thread lane{loop, "standard output"};
  surroundings where;
};

[[nodiscard]] inline job job_with(std::string_view content) { return {job_id{1}, body{content}, "numbers", 1}; }

/// All steps of the computation that `with` begins for a body.
[[nodiscard]] inline result<std::string> compute(computing_handler& with, std::string_view content,
                                                 std::size_t* steps = nullptr) {
  result<std::unique_ptr<offload::computation>> work = with.begin(job_with(content));
  if (!work) return work.error();
  std::size_t count = 1;
  while ((*work)->step() == offload::progress::more) ++count;
  if (steps != nullptr) *steps = count;
  return (*work)->take_result();
}

/// The text of a result or of its error.
[[nodiscard]] inline std::string text_of(const result<std::string>& it) { return it ? *it : it.error().text; }

}  // namespace millrace::handlers
