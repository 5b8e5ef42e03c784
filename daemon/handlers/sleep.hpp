#pragma once

#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct sleep_options {
  std::optional<job_template> length;
  std::optional<job_template> text;
};
[[nodiscard]] const options_of<sleep_options>& sleep_option_table();

/// Waits without blocking the loop, as long as the body says or for `length`. The output is the body, or `text`. A
/// cancelled job stops waiting at once.
class sleep : public waiting_handler {
 public:
  sleep(const sleep_options& options, const handler_context& context) : options_{options}, loop_{context.loop} {}
  loop::awaitable<answer> handle(job work) override;

 private:
  sleep_options options_;
  loop::event_loop& loop_;
};

}  // namespace millrace::handlers
