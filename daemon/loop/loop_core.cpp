#include "loop/loop_core.hpp"

#include <boost/asio/post.hpp>

namespace millrace::loop {

void loop_core::cancel(task_record& task) {
  assert(on_loop_thread());
  task.cancelled = true;
  if (!task.started) return;
  if (inside()) return emit_stop(task);
  // Outside of a handler, Asio would put the cancellation off and keep a pointer into a task that may have ended by
  // then.
  boost::asio::post(context, [this, id = task.id] {
    if (task_record* const still = tasks.find(id)) emit_stop(*still);
  });
}

void loop_core::emit_stop(task_record& task) {
  // Being told is no resumption: a task that does not heed it waits for what it waited for.
  const std::string_view waits_for = task.waits_for;
  task.stop.emit(boost::asio::cancellation_type::terminal);
  if (&task != &current()) task.waits_for = waits_for;
}

}  // namespace millrace::loop
