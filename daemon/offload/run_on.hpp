#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>
#include <millrace/offload/computation.hpp>

#include "offload/site_choice.hpp"
#include "offload/thread_pool.hpp"

namespace millrace::offload {

/// Where the steps of a computation run. A setting.
enum class execution_site { loop, threads, processes, automatic };

/// Runs `work` at `site` until it is done, cancelled or late. The results are those of
/// `thread_pool::run`. On the loop it yields after each step. Requires: `site` is `loop` or `threads`.
loop::awaitable<result<std::string>> run_on(execution_site site, loop::event_loop& loop, thread_pool& threads,
                                            std::unique_ptr<computation> work, instant when);

/// The same where `choice` says, for a body of that size. Requires: `choice` outlives the await.
loop::awaitable<result<std::string>> run_on(site_choice& choice, std::size_t body_bytes, loop::event_loop& loop,
                                            thread_pool& threads, std::unique_ptr<computation> work, instant when);

}  // namespace millrace::offload
