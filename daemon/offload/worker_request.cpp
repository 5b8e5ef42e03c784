#include "offload/worker_request.hpp"

#include "wire/worker_frame.hpp"

namespace millrace::offload {

void write_line(worker_task& task) {
  wire::append_worker_job(task.line, {task.id, task.queue, task.attempt, task.content.view(), task.handler});
}

}  // namespace millrace::offload
