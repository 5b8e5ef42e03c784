#pragma once

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>
#include <millrace/loop/deadline.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "offload/worker_host.hpp"
#include "offload/worker_pool.hpp"

namespace millrace::offload {

inline std::filesystem::path make_folder() {
  auto folder = std::filesystem::temp_directory_path() / ("worker_pool_test_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  return folder;
}

/// Reads a job into $id and $body.
inline const std::string next_job =
    R"(read -r job || exit 0; id=${job#*:}; id=${id%%,*}; body=${job##*:\"}; body=${body%\"\}};)";

inline std::string forever(const std::string& step) { return "while true; do " + next_job + step + "; done"; }

inline std::string text_of(const worker_answer& answer) {
  switch (answer.type) {
    case worker_answer::kind::done:
      return "done " + answer.result.value_or("-");
    case worker_answer::kind::failed:
      return "failed";
    case worker_answer::kind::rejected:
      return "rejected";
    case worker_answer::kind::over_limit:
      return "over the limit";
    case worker_answer::kind::later:
      return "later";
    case worker_answer::kind::interrupted:
      break;
  }
  return "interrupted";
}

struct pool_fixture {
  pool_fixture(const std::string& script, worker_settings settings) {
    std::signal(SIGPIPE, SIG_IGN);
    settings.command.arguments = {"/bin/sh", "-c", script};
    settings.command.environment = loop::inherited_environment();
    pool = host.make_pool(std::move(settings));
  }

  loop::awaitable<> run_one(std::uint64_t id, std::string content) {
    auto running = pool->run({job_id{id}, "q", 1, body{content}});
    const worker_answer answer = co_await std::move(running);
    answers.push_back(std::to_string(id) + ' ' + text_of(answer));
    if (!answer.text.empty()) problems.push_back(answer.text);
  }
  /// Cancels the task when a worker has a job, and makes a file.
  loop::awaitable<> cancel_when_handed_over(task_id task, std::string file) {
    while (host.counts().workers.pool.busy == 0) co_await loop::yield(loop);
    loop.cancel(task);
    if (!file.empty()) std::ofstream{file} << "withdrawn";
  }
  loop::awaitable<> end_when_idle() {
    auto joined = jobs.join();
    co_await std::move(joined);
    pool->close();
    auto closed = host.close();
    co_await std::move(closed);
    threads.close();
  }
  task_id put(std::uint64_t id, const std::string& content = "x") { return jobs.spawn("job", run_one(id, content)); }
  void withdraw(task_id task, const std::string& file = {}) {
    jobs.spawn("withdraw", cancel_when_handed_over(task, file));
  }
  /// Until all jobs have their answers and all workers are gone.
  void run() {
    ending.spawn("end", end_when_idle());
    loop.run();
    std::ranges::sort(answers);
  }
  std::uint64_t restarts(worker_end reason) const {
    return host.counts().workers.restarts[static_cast<std::size_t>(reason)].value();
  }

  loop::event_loop loop;
  loop::child_launcher children{loop};
  thread_pool threads{loop, {.threads = 1}};
  worker_host host{loop, children, {}, &threads};
  std::shared_ptr<worker_pool> pool;
  loop::task_scope jobs{loop};
  loop::task_scope ending{loop};
  std::vector<std::string> answers;
  std::vector<std::string> problems;  ///< texts of answers, in order
  bool progress_seen{false};
};

}  // namespace millrace::offload
