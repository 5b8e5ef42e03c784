#include "broker/recovery.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "loop/task_scope.hpp"
#include "store/desk.hpp"
#include "store/memory_store.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

constexpr std::uint64_t jobs = 600;

/// Collects the events that are logged during its life.
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

loop::awaitable<> reserve(broker::broker& broker, session_id session, std::optional<engine::reserve_answer>& answer) {
  answer = (co_await broker.reserve(session, engine::lease::unlimited, never)).answer;
}

}  // namespace

TEST_CASE("what was kept comes back in slices, and progress is logged each time the interval has passed") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= jobs; ++id) desk.append(put_of(id, "body"));
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

TEST_CASE("a large body is read beside the loop once all jobs are back, and a reserve waits for it") {
  const std::string large(store::large_body_bytes + 1, 'x');
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.until_durable(desk.append(put_of(1, large)));
  }
  loop::event_loop loop;
  auto disk = store::sqlite_store::open(loop, {.data_dir = scratch.data_dir()}, only_queue).value();
  {
    broker::broker broker{loop, *disk};
    broker::recovery recovery{loop, broker, *disk, scratch.data_dir()};
    while (!recovery.run_slice().value()) {
    }
    CHECK(broker.engine().look(job_id{1})->content_on_disk);
    const auto session = broker.open_session();
    broker.watch(session, "q1").value();
    std::optional<engine::reserve_answer> taken;
    loop::task_scope scope{loop};
    scope.spawn("reserve", reserve(broker, session, taken));
    while (!taken) {
      if (loop.run_ready() == 0) std::this_thread::yield();
    }
    REQUIRE(taken->status == engine::reserve_status::reserved);
    CHECK((taken->job.content.view() == large));
    broker.close();
  }
  loop::task_scope scope{loop};
  scope.spawn("close", disk->close());
  loop.run();
}

TEST_CASE("a store that is not persistent is recovered at once") {
  loop::event_loop loop;
  store::memory_store memory;
  broker::broker broker{loop, memory};
  broker::recovery recovery{loop, broker, memory, "none"};
  CHECK(recovery.run_slice().value());
  CHECK(broker.engine().job_count() == 0);
  broker.close();
}
