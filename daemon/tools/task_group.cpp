#include "tools/joint_work.hpp"

#include <utility>

namespace millrace::tools {

void joint_work::spawn(std::string name, loop::awaitable<result<>> part) {
  if (!failure_) tasks_.spawn(std::move(name), watched(*this, std::move(part)));
}

void joint_work::fail(error why) {
  if (failure_) return;
  failure_ = std::move(why);
  tasks_.cancel();
}

loop::awaitable<result<>> joint_work::join() {
  co_await tasks_.join();
  if (failure_) co_return *failure_;
  co_return all_well;
}

loop::awaitable<> joint_work::watched(joint_work& self, loop::awaitable<result<>> part) {
  const auto ended = co_await std::move(part);
  if (!ended) self.fail(ended.error());
}

}  // namespace millrace::tools
