#include "service/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <millrace/loop/deadline.hpp>

namespace millrace::service {
namespace {

/// Weight of the newest value in the moving average of the rate, which covers about a second so that it is readable.
constexpr double newest_weight = 0.25;
constexpr duration end_timeout = std::chrono::milliseconds{200};

}  // namespace

progress::progress(loop::event_loop& loop, const broker::broker& broker, const workload::workload& work, int descriptor)
    : loop_{loop},
      broker_{broker},
      work_{work},
      descriptor_{descriptor},
      line_{descriptor},
      writer_{loop, "progress"},
      scope_{loop},
      measured_at_{loop.now()} {}

void progress::begin() { scope_.spawn("progress", update()); }

loop::awaitable<> progress::end() {
  scope_.cancel();
  co_await scope_.join();
  auto last = write(line_.clear());
  co_await loop::with_timeout(loop_, std::move(last), loop_.now() + end_timeout);
  writer_.close();
}

loop::awaitable<> progress::update() {
  while (true) {
    co_await loop::sleep_for(loop_, progress_interval);
    co_await write(line_.draw(text(loop_.now())));
  }
}

loop::awaitable<> progress::write(std::string bytes) {
  std::function<result<std::string>()> call = [descriptor = descriptor_,
                                               bytes = std::move(bytes)]() -> result<std::string> {
    // The terminal may be closed; the daemon continues without the line.
    return ::write(descriptor, bytes.data(), bytes.size()) < 0 ? std::string{"closed"} : std::string{};
  };
  co_await writer_.run(std::move(call));
}

std::string progress::text(instant now) {
  const auto done = jobs_done();
  const double passed = in_seconds(now - measured_at_);
  // The sum falls when a reload forgets a consumer that it had removed.
  const double rate = passed > 0 ? static_cast<double>(done - std::min(done, done_before_)) / passed : 0;
  per_second_ += newest_weight * (rate - per_second_);
  done_before_ = done;
  measured_at_ = now;

  std::string text = std::to_string(done) + " jobs done, " + std::to_string(std::llround(per_second_)) + "/s";
  std::vector<queue_id> queues;
  broker_.engine().list_queues(0, progress_queues_max, queues);
  for (const auto queue : queues) {
    text += " | " + std::string{broker_.engine().name_of(queue)} + ' ' +
            std::to_string(broker_.engine().levels(queue).jobs());
  }
  return text;
}

std::uint64_t progress::jobs_done() const {
  std::uint64_t done = 0;
  for (const auto& consumer : work_.consumers()) {
    for (const auto& outcome : consumer->outcomes) done += outcome.value();
  }
  return done;
}

}  // namespace millrace::service
