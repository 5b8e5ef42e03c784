#include "loop/loop_core.hpp"

#include <boost/asio/post.hpp>

namespace millrace::loop {

void loop_core::cancel(task_record& task) {
  assert(on_loop_thread());
  task.cancelled = true;
  if (!task.started) return;
  if (inside()) return task.stop.emit(boost::asio::cancellation_type::terminal);
  // Outside of a handler, Asio would put the cancellation off and keep a pointer into a task that may have ended by then.
  boost::asio::post(context, [this, id = task.id] {
    if (task_record* const still = tasks.find(id)) still->stop.emit(boost::asio::cancellation_type::terminal);
  });
}

}  // namespace millrace::loop
