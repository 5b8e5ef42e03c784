#pragma once

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"

namespace millrace::offload {

/// Answers with its text after a number of steps.
class counted final : public computation {
 public:
  counted(std::string text, int steps) : text_{std::move(text)}, left_{steps} {}
  progress step() override { return --left_ <= 0 ? progress::done : progress::more; }
  result<std::string> take_result() override { return text_; }

 private:
  std::string text_;
  int left_;
};

/// What an endless computation and its test tell each other.
struct endless_notes {
  std::atomic<std::uint64_t> steps{0};
  std::atomic<bool> finish{false};  ///< the next step is the last one
  std::atomic<bool> gone{false};    ///< the computation has been destroyed

  void wait_until_begun() const {
    while (steps == 0) std::this_thread::yield();
  }
};

/// Steps until the test finishes it or it is stopped from outside.
class endless final : public computation {
 public:
  explicit endless(std::shared_ptr<endless_notes> notes) : notes_{std::move(notes)} {}
  ~endless() override { notes_->gone = true; }
  endless(const endless&) = delete;
  endless& operator=(const endless&) = delete;

  progress step() override {
    ++notes_->steps;
    std::this_thread::yield();
    return notes_->finish ? progress::done : progress::more;
  }
  result<std::string> take_result() override { return std::string{"finished"}; }

 private:
  std::shared_ptr<endless_notes> notes_;
};

/// Its only step does not return until the test lets it.
class hanging final : public computation {
 public:
  explicit hanging(std::atomic<bool>& begun, const std::atomic<bool>& released) : begun_{begun}, released_{released} {}

  progress step() override {
    begun_ = true;
    while (!released_) std::this_thread::yield();
    return progress::done;
  }
  result<std::string> take_result() override { return std::string{"released"}; }

 private:
  std::atomic<bool>& begun_;
  const std::atomic<bool>& released_;
};

class throwing final : public computation {
 public:
  explicit throwing(int good_steps) : good_steps_{good_steps} {}
  progress step() override {
    if (good_steps_-- <= 0) throw std::runtime_error("division by zero");
    return progress::more;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  int good_steps_;
};

class failing final : public computation {
 public:
  explicit failing(errc code = errc::out_of_range) : code_{code} {}
  progress step() override { return progress::done; }
  result<std::string> take_result() override { return error{code_, "too many digits"}; }

 private:
  errc code_;
};

inline std::string words(const result<std::string>& answer) {
  return answer ? *answer : std::string{name_of(answer.error().code)} + ": " + answer.error().text;
}

using diary = std::vector<std::string>;

inline loop::awaitable<> run_and_note(thread_pool& pool, std::unique_ptr<computation> work, instant when,
                                      diary& answers) {
  const result<std::string> answer = co_await pool.run(std::move(work), when);
  answers.push_back(words(answer));
}

/// Closes the pool when the tasks of a scope have ended.
inline loop::awaitable<> close_after(loop::task_scope& tasks, thread_pool& pool) {
  co_await tasks.join();
  pool.close();
}

inline pool_options with_threads(std::uint32_t threads) {
  pool_options options;
  options.threads = threads;
  return options;
}

}  // namespace millrace::offload
