#include "tools/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "tools/figures.hpp"

namespace millrace::tools {

namespace {

constexpr duration sample_every = milliseconds{200};
/// Samples between two lines where there is no terminal.
constexpr unsigned samples_a_line = 50;

}  // namespace

progress::progress(loop::event_loop& loop, bool quiet)
    : loop_{loop}, terminal_{::isatty(STDERR_FILENO) == 1}, quiet_{quiet}, tasks_{loop} {}

void progress::say(const std::string& step) {
  if (terminal_) show(step);
}

void progress::watch(const run_stats& counts, task_group& parts, std::string phase) {
  watched_ = &parts;
  tasks_.spawn("progress", sample(*this, counts, parts, std::move(phase)));
}

loop::awaitable<> progress::rest() {
  watched_ = nullptr;
  tasks_.cancel();
  co_await tasks_.join();
}

void progress::interrupt() {
  if (watched_ != nullptr) watched_->fail({errc::cancelled, "interrupted"});
}

loop::awaitable<> progress::sample(progress& self, const run_stats& counts, task_group& parts, std::string phase) {
  const instant began = self.loop_.now();
  std::uint64_t before = counts.answers;
  instant answered = began;
  for (unsigned samples = 1;; ++samples) {
    const instant previous = self.loop_.now();
    co_await loop::sleep_for(self.loop_, sample_every);
    const instant now = self.loop_.now();
    const std::uint64_t replies = counts.answers - std::exchange(before, counts.answers);
    if (replies > 0 || counts.asked == counts.answers) answered = now;
    if (now - answered > silence_max) parts.fail({errc::timed_out, "nothing was answered any more"});
    if (!self.terminal_ && samples % samples_a_line != 0) continue;
    const std::string stage = !phase.empty() ? phase : now < counts.from ? "warming up" : "measuring";
    self.show(stage + "  " + in_short(in_seconds(now - began)) + " s  " +
              in_short(static_cast<double>(replies) / in_seconds(now - previous)) + " commands/s");
  }
}

void progress::show(const std::string& text) {
  if (quiet_) return;
  shown_ = true;
  const std::string line = heading_ + text;
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void progress::clear() {
  if (terminal_ && std::exchange(shown_, false)) std::fprintf(stderr, "\r\x1b[K");
}

}  // namespace millrace::tools
