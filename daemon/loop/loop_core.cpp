#include "loop/loop_core.hpp"

#include <boost/asio/post.hpp>

#include "loop/trace_recorder.hpp"

namespace millrace::loop {

void loop_core::cancel(task_record& task) {
  assert(on_loop_thread());
  task.cancelled = true;
  if (!task.started) return;
  if (inside()) return emit_stop(task);
  // Outside a handler, Asio postpones the cancellation and keeps a pointer into a task that may end meanwhile.
  boost::asio::post(context, [this, id = task.id] {
    if (task_record* const found = tasks.find(id)) emit_stop(*found);
  });
}

void loop_core::note_wait_ended(task_record& task) { trace->task_waited(task); }

void loop_core::emit_stop(task_record& task) {
  // A cancellation is not a resumption: a task that ignores it still waits for the same event.
  const std::string_view waits_for = task.waits_for;
  task.stop.emit(boost::asio::cancellation_type::terminal);
  if (&task != &current()) task.waits_for = waits_for;
}

}  // namespace millrace::loop
