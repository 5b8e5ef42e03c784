#include "offload/worker_host.hpp"

#include <utility>

namespace millrace::offload {

worker_host::worker_host(loop::event_loop& loop, loop::child_launcher& children, worker_settings computing,
                         thread_pool* threads)
    : loop_{loop},
      children_{children},
      threads_{threads},
      tasks_{loop},
      processes_{std::make_shared<worker_pool>(worker_context{loop_, children_, tasks_, counts_.processes, threads_},
                                               std::move(computing))} {}

std::shared_ptr<worker_pool> worker_host::make_pool(worker_settings settings) {
  return std::make_shared<worker_pool>(worker_context{loop_, children_, tasks_, counts_.workers, threads_},
                                       std::move(settings));
}

}  // namespace millrace::offload
