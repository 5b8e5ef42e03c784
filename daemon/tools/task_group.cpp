#include "tools/task_group.hpp"

#include <utility>

namespace millrace::tools {

void task_group::spawn(std::string name, loop::awaitable<result<>> part) {
  if (!failure_) tasks_.spawn(std::move(name), watched(*this, std::move(part)));
}

void task_group::fail(error failure) {
  if (failure_) return;
  failure_ = std::move(failure);
  tasks_.cancel();
}

loop::awaitable<result<>> task_group::join() {
  co_await tasks_.join();
  if (failure_) co_return *failure_;
  co_return all_well;
}

loop::awaitable<> task_group::watched(task_group& self, loop::awaitable<result<>> part) {
  const auto ended = co_await std::move(part);
  if (!ended) self.fail(ended.error());
}

}  // namespace millrace::tools
