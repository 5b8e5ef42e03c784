#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/linked_list.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/wait_point.hpp>

namespace millrace::offload {

class worker_process;

/// A job for a worker process.
struct worker_task {
  job_id id{};
  std::string_view queue;  ///< outlives the task
  std::uint32_t attempt{1};
  body content;
};

/// What became of it.
struct worker_answer {
  enum class kind : std::uint8_t {
    done,
    failed,
    rejected,    ///< failed for good
    later,       ///< it wants to come again after `wait`
    interrupted  ///< its worker ended without an answer
  };
  kind type{kind::interrupted};
  std::optional<std::string> result{};  ///< of `done`
  std::string text{};                   ///< of all others: why
  duration wait{0};
};

/// A task in a pool. In the frame of the coroutine that waits for its answer.
struct worker_request : list_link<worker_request> {
  worker_request(loop::event_loop& loop, worker_task wanted) : task{std::move(wanted)}, answered{loop, "a worker"} {}

  void finish(worker_answer with) {
    answer = std::move(with);
    holder = nullptr;
    answered.wake_one();
  }

  worker_task task;
  instant since{};                  ///< when it came
  worker_process* holder{nullptr};  ///< null: it waits, or it has its answer
  std::optional<worker_answer> answer;
  loop::wait_point answered;
};

}  // namespace millrace::offload
