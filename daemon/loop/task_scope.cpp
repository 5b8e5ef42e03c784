#include "loop/task_scope.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cassert>
#include <exception>
#include <memory>
#include <unordered_set>
#include <utility>

#include <millrace/loop/wait_point.hpp>
#include "base/log.hpp"

#include "loop/loop_core.hpp"
#include "loop/thrown.hpp"

namespace millrace::loop {

struct task_scope::parts {
  parts(event_loop& owner, std::size_t most) : loop{owner}, tasks_max{most} {}

  /// Waits in the ready list until the first turn of its task.
  struct starter final : ready_entry {
    starter(parts& owner, task_record& record, awaitable<> body) : scope{owner}, task{record}, work{std::move(body)} {}

    void resume() override {
      std::unique_ptr<starter> self{this};
      parts& owner = scope;
      task_record& started = task;
      if (started.cancelled) {
        self.reset();  // the arguments of the work are destroyed before the task ends
        owner.ended(started, nullptr);
      } else {
        owner.start(started, std::move(work));
      }
    }

    parts& scope;
    task_record& task;
    awaitable<> work;
  };

  void start(task_record& task, awaitable<> work) {
    resumption noted{task};
    task.started = true;
    const executor own{loop.core().context.get_executor(), task};
    boost::asio::co_spawn(
        own, std::move(work),
        boost::asio::bind_cancellation_slot(
            task.stop.slot(), [this, &task](std::exception_ptr thrown) { ended(task, std::move(thrown)); }));
  }

  void ended(task_record& task, std::exception_ptr thrown) {
    if (thrown && !(task.cancelled && is_cancellation(thrown))) {
      log::error("task_failed", "a task ended with an exception", {{"task", task.name}, {"reason", text_of(thrown)}});
      if (!first_thrown) first_thrown = std::move(thrown);
    }
    tasks.erase(&task);
    loop.core().tasks.remove(task);
    if (tasks.empty()) all_ended.wake_all();
  }

  event_loop& loop;
  std::size_t tasks_max;
  std::unordered_set<task_record*> tasks;
  std::exception_ptr first_thrown;
  wait_point all_ended{loop, "tasks to end"};
};

task_scope::task_scope(event_loop& loop, std::size_t tasks_max) : parts_{std::make_unique<parts>(loop, tasks_max)} {}

task_scope::~task_scope() { assert(parts_->tasks.empty()); }

task_id task_scope::spawn(std::string name, awaitable<> work) {
  assert(!full());
  loop_core& core = parts_->loop.core();
  assert(core.on_loop_thread());
  task_record& task = core.tasks.add(std::move(name), core.now);
  parts_->tasks.insert(&task);
  core.ready.push(*new parts::starter{*parts_, task, std::move(work)});
  return task.id;
}

void task_scope::cancel() {
  const std::vector<task_record*> all{parts_->tasks.begin(), parts_->tasks.end()};
  for (task_record* const task : all) parts_->loop.core().cancel(*task);
}

awaitable<> task_scope::join() {
  while (!parts_->tasks.empty()) co_await parts_->all_ended.wait();
  if (parts_->first_thrown) std::rethrow_exception(std::exchange(parts_->first_thrown, nullptr));
}

std::size_t task_scope::size() const noexcept { return parts_->tasks.size(); }

bool task_scope::full() const noexcept { return parts_->tasks.size() >= parts_->tasks_max; }

}  // namespace millrace::loop
