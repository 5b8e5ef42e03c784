#include "workload/log_limiter.hpp"

#include <map>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;
using workload::log_limiter;

namespace {

/// Counts the lines of each event and adds up what they leave out.
class counted_log {
 public:
  counted_log() {
    log::sink sink;
    sink.render = [](const log::record& line, wall_time) {
      std::string text{line.event};
      for (const log::field& field : line.fields) {
        if (field.key == "left_out") text.append(" ").append(std::to_string(std::get<std::uint64_t>(field.value)));
      }
      return text;
    };
    sink.deliver = [this](log::level, std::string_view rendered) {
      if (rendered.starts_with("left_out ")) left_out_ += std::stoull(std::string{rendered.substr(9)});
      if (!rendered.starts_with("left_out ")) ++lines_[std::string{rendered}];
    };
    log::start(std::move(sink), log::level::debug);
  }
  ~counted_log() { finish(); }
  counted_log(const counted_log&) = delete;
  counted_log& operator=(const counted_log&) = delete;

  void finish() { log::stop(seconds{60}); }
  [[nodiscard]] std::uint64_t lines(const std::string& event) { return lines_[event]; }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  std::map<std::string, std::uint64_t> lines_;
  std::uint64_t left_out_{0};
};

}  // namespace

TEST_CASE("what is logged and what is left out add up to the events, after a quiet second and at the end") {
  const bool quiet_at_the_end = GENERATE(true, false);
  counted_log log;
  std::uint64_t admitted = 0;
  std::uint64_t events = 0;
  {
    loop::event_loop loop{loop::clock_kind::manual};
    const std::string name{"c"};
    log_limiter limiter{loop, "job_failed", "consumer", name};
    std::mt19937 random{7};
    for (int burst = 0; burst < 200; ++burst) {
      for (auto left = random() % 50; left > 0; --left, ++events) {
        if (limiter.admit()) ++admitted;
      }
      loop.advance(milliseconds{random() % 400});
    }
    if (quiet_at_the_end) loop.advance(log_limiter::period);
  }
  log.finish();
  CHECK(admitted + log.left_out() == events);
  CHECK(log.left_out() > 0);
}

TEST_CASE("failures left out are said when their second is over, without another failure") {
  counted_log log;
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  for (int i = 0; i < 3'001; ++i) fixture.put(queue, "a");
  fixture.consumer("c", {.queue = {"work"}},
                   testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  fixture.start();
  fixture.loop.advance(log_limiter::period);
  log.finish();

  CHECK(log.lines("job_failed") == log_limiter::lines_per_period);
  CHECK(log.left_out() == 3'001 - log_limiter::lines_per_period);
}

TEST_CASE("failures left out are said when the workload ends, and do not hold it") {
  counted_log log;
  workload_fixture fixture;
  fixture.queue("work", {.max_jobs = 10, .when_full = engine::overflow::reject});
  fixture.producer("eager", {.queue = "work"}, testing::numbers_to(50));
  fixture.consumer("c", {.queue = {"other"}},
                   testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  const auto other = fixture.queue("other");
  for (int i = 0; i < 25; ++i) fixture.put(other, "a");
  fixture.start();
  fixture.drain(duration::zero());
  fixture.loop.run_ready();
  log.finish();

  CHECK(fixture.drained);
  CHECK(log.lines("job_failed") == log_limiter::lines_per_period);
  CHECK(log.lines("put_refused") == log_limiter::lines_per_period);
  CHECK(log.left_out() == (25 - log_limiter::lines_per_period) + (40 - log_limiter::lines_per_period));
}
