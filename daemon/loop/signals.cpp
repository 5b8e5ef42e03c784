#include "loop/signals.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>
#include <vector>

#include "loop/loop_core.hpp"

namespace millrace::loop {

struct signals::parts {
  explicit parts(loop_core& owner) : core{owner} {}

  loop_core& core;
  std::vector<std::pair<int, struct sigaction>> before;
  boost::asio::basic_signal_set<executor::inner_executor> arriving{core.context.get_executor()};
};

signals::signals(event_loop& loop, std::initializer_list<int> numbers) : parts_{std::make_unique<parts>(loop.core())} {
  for (const int number : numbers) {
    struct sigaction old {};
    ::sigaction(number, nullptr, &old);
    parts_->before.emplace_back(number, old);
    parts_->arriving.add(number);
  }
}

signals::~signals() {
  // Asio sets the default actions. A signal that was ignored before (SIGHUP under nohup) is ignored again.
  parts_->arriving.clear();
  for (const auto& [number, old] : parts_->before) ::sigaction(number, &old, nullptr);
}

awaitable<int> signals::next() {
  parts_->core.current().waits_for = "a signal";
  return parts_->arriving.async_wait(use_awaitable);
}

}  // namespace millrace::loop
