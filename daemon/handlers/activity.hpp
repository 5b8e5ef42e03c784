#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

[[nodiscard]] const options_of<no_options>& activity_option_table();

/// Reports what the program does, as JSON: the names of the jobs that run now, the oldest first, and for each consumer
/// the number of jobs done and the number of jobs failed. A number that is 0 is left out, so that
/// `${json:/done/NAME|none}` gives `none`.
class activity : public quick_handler {
 public:
  /// Further names are counted, not listed.
  static constexpr std::size_t names_max = 1'000;

  activity(const no_options&, const handler_context& context) : loop_{context.loop}, totals_{context.totals} {}
  answer handle(const job& work) override;

 private:
  loop::event_loop& loop_;
  std::function<std::vector<consumer_totals>()> totals_;
};

}  // namespace millrace::handlers
