#pragma once

#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>
#include <millrace/offload/computation.hpp>

#include "offload/thread_pool.hpp"

namespace millrace::offload {

/// One word of settings: where the steps of a computation run.
enum class place { loop, threads };

/// Runs `work` there until done, cancelled or late; answers as `thread_pool::run` does, wherever it ran.
/// On the loop it yields after each step.
loop::awaitable<result<std::string>> run_on(place where, loop::event_loop& loop, thread_pool& threads,
                                            std::unique_ptr<computation> work, instant when);

}  // namespace millrace::offload
