#include "broker/recovery.hpp"

#include <mutex>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "store/desk.hpp"
#include "store/memory_store.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::uint64_t jobs = 600;

/// The events that are logged while it is there.
class logged_events {
 public:
  logged_events() {
    log::start({.render = [](const log::record& line, wall_time) { return std::string{line.event}; },
                .deliver =
                    [this](log::level, std::string_view event) {
                      const std::lock_guard held{mutex_};
                      all_.emplace_back(event);
                    }},
               log::level::info);
  }
  ~logged_events() { log::stop(seconds{60}); }
  std::vector<std::string> end() {
    log::stop(seconds{60});
    const std::lock_guard held{mutex_};
    return all_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> all_;
};

std::string_view only_queue(queue_id) { return "q1"; }

}  // namespace

TEST_CASE("what was kept comes back in slices, and progress is logged each time the interval has passed") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= jobs; ++id) desk.keep(put_of(id, "body"));
  }
  loop::event_loop loop;
  auto disk = store::sqlite_store::open(loop, {.data_dir = scratch.data_dir()}, only_queue).value();
  broker::broker broker{loop, *disk};
  logged_events events;
  int slices = 1;
  {
    broker::recovery recovery{loop, broker, *disk, scratch.data_dir(), {duration{0}, duration{0}}};
    for (; !recovery.run_slice().value(); ++slices) CHECK(broker.engine().job_count() < jobs);
  }
  CHECK(slices == 3);
  CHECK(broker.engine().job_count() == jobs);
  CHECK(broker.engine().last_id() == job_id{jobs});
  CHECK(events.end() == std::vector<std::string>{"recovering", "recovering", "recovered"});
  broker.close();
}

TEST_CASE("a store that remembers nothing is recovered at once") {
  loop::event_loop loop;
  store::memory_store memory;
  broker::broker broker{loop, memory};
  broker::recovery recovery{loop, broker, memory, "none"};
  CHECK(recovery.run_slice().value());
  CHECK(broker.engine().job_count() == 0);
  broker.close();
}
