#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/offload/computation.hpp>

#include "offload/options.hpp"
#include "offload/worker_pool.hpp"
#include "wire/worker_side.hpp"

namespace millrace::handlers {

/// The only argument of a program of ours that runs as a computing process.
inline constexpr std::string_view computing_process_argument = "--computing-process";

/// For the pool of `run_on: processes`: this program again, once for each processor if the options say nothing else.
[[nodiscard]] offload::worker_settings computing_process_settings(const offload::pool_options& options);

/// The text for `offload::worker_task::handler`: the definition as a string of JSON.
[[nodiscard]] std::string handler_text(const kind& handler_kind, const void* owner);

/// The work of a computing process, without its input and output: lines of the daemon become computations, and their
/// results become lines.
///
/// Computations take turns, one step each, so a short one is not late because of a long one that came first. A
/// computation that is cancelled ends between two steps. An exception of a handler fails its job only, as it does in
/// the daemon. A handler is made when the first job names it, and kept. When there are `handlers_max` and another is
/// made, all handlers without a job are destroyed.
///
/// One thread, that of the loop.
class computing_jobs {
 public:
  static constexpr std::size_t handlers_max = 64;
  /// Bytes of a result, because the daemon reads it on its loop. A longer one fails its job.
  static constexpr std::size_t result_bytes_max = std::size_t{16} * 1024 * 1024;

  /// All must outlive this object.
  computing_jobs(loop::event_loop& loop, const registry& kinds, const handler_context& context);

  /// Takes bytes from the daemon. False: a line is malformed, and what follows has no meaning.
  [[nodiscard]] bool receive(std::string_view bytes);
  /// One step of each computation.
  void step();
  [[nodiscard]] bool idle() const noexcept { return running_.empty(); }
  /// The lines for the daemon. The caller writes and clears them.
  [[nodiscard]] std::string& output() noexcept { return output_; }

 private:
  struct running_job {
    job work;
    std::shared_ptr<computing_handler> handler;
    std::unique_ptr<offload::computation> computation;
    duration spent{0};
    bool cancelled{false};
  };

  [[nodiscard]] bool apply(std::string_view line);
  void begin(wire::worker_order&& order);
  result<std::shared_ptr<computing_handler>> handler_of(const std::string& definition);
  /// True: it has ended, and its line was appended.
  bool advance(running_job& job);
  void reply(job_id job, answer&& said, duration spent);

  loop::event_loop& loop_;
  const registry& kinds_;
  const handler_context& context_;
  std::string begun_line_;
  std::string output_;
  std::map<std::string, std::shared_ptr<computing_handler>, std::less<>> handlers_;
  std::set<std::string, std::less<>> queues_;  ///< names that jobs point to
  std::vector<running_job> running_;           ///< in the order in which they came
};

/// The main function of a computing process: works until its standard input ends, and returns the exit status. What a
/// handler writes to standard output goes to standard error, because the daemon reads answers from standard output.
int run_computing_process(const registry& kinds);

}  // namespace millrace::handlers
