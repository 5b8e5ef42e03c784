#include "handlers/activity.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include <millrace/loop/event_loop.hpp>

namespace millrace::handlers {

namespace json = boost::json;

const options_of<no_options>& activity_option_table() {
  static const options_of<no_options> table;
  return table;
}

answer activity::handle(const job&) {
  const auto tasks = loop_.tasks_with_named_jobs();
  json::array running;
  for (std::size_t n = 0; n < std::min(tasks.size(), names_max); ++n) running.emplace_back(tasks[n].job);
  json::object done;
  json::object failed;
  if (totals_) {
    for (const auto& consumer : totals_()) {
      if (consumer.done != 0) done[consumer.name] = consumer.done;
      if (consumer.failed != 0) failed[consumer.name] = consumer.failed;
    }
  }
  return json::serialize(json::object{{"running", std::move(running)},
                                      {"running_count", tasks.size()},
                                      {"done", std::move(done)},
                                      {"failed", std::move(failed)}});
}

}  // namespace millrace::handlers
