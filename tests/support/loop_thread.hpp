#pragma once

#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "loop/mailbox.hpp"
#include "loop/task_scope.hpp"

namespace millrace::testing {

/// A loop on a thread of its own, for tests that are clients of what runs on it. What runs there is made before `start`
/// and destroyed after `end`, both on the test's thread.
class loop_thread {
 public:
  [[nodiscard]] loop::event_loop& loop() { return loop_; }

  void start() {
    open_.emplace(loop_, [] {});
    thread_ = std::thread{[this] { loop_.run(); }};
  }

  /// Calls `function` on the loop and waits for its result.
  template <class Function>
  auto ask(Function function) -> std::invoke_result_t<Function> {
    std::packaged_task<std::invoke_result_t<Function>()> task{std::move(function)};
    auto answer = task.get_future();
    loop_.post_from_any_thread([&task] { task(); });
    return answer.get();
  }

  /// Runs the coroutine that `story` makes, and waits for its end.
  void run(const std::function<loop::awaitable<>()>& story) {
    std::promise<void> done;
    ask([this, &story, &done] { tasks_.spawn("story", tell(story, done)); });
    done.get_future().wait();
  }

  /// Runs the coroutine that `last` makes, and waits until nothing is left to do on the loop.
  void end(std::function<loop::awaitable<>()> last) {
    ask([this, &last] {
      tasks_.spawn("end", last());
      open_->close();
    });
    thread_.join();
  }

 private:
  static loop::awaitable<> tell(const std::function<loop::awaitable<>()>& story, std::promise<void>& done) {
    co_await story();
    done.set_value();
  }

  loop::event_loop loop_;
  loop::task_scope tasks_{loop_};
  std::optional<loop::mailbox> open_;  ///< keeps the loop running until `end`, also when nothing else is left to do
  std::thread thread_;
};

}  // namespace millrace::testing
