#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/model.hpp"

namespace millrace::engine::testing {

/// A duel has few jobs and compares everything after each command, or has more jobs than one turn of the engine moves.
struct duel_options {
  std::uint64_t seed{1};
  std::size_t typical_jobs{40};
  std::size_t typical_sessions{7};
  std::size_t steps_per_comparison{1};  ///< of the whole state; answers are compared in each step
  bool small_limits{true};              ///< of queues, so that they are full most of the time
  /// The engine's queues are durable, and hardly any body may stay in memory. The disk answers before each comparison.
  bool bodies_on_disk{false};
};

/// Gives the same random commands to the engine and to its model. Any answer, event, change or state that is not the
/// same in both is a difference.
class duel {
 public:
  explicit duel(duel_options options);

  /// Runs one command. Returns the difference and the command, or nothing.
  std::string run_step();
  /// Runs one command so often that the engine needs several turns for the consequences. Returns as `run_step`.
  std::string run_storm();
  [[nodiscard]] std::uint64_t bodies_read() const noexcept { return bodies_read_; }
  [[nodiscard]] std::uint64_t outcomes_put() const noexcept { return model_.outcomes_put; }

 private:
  std::size_t random_below(std::size_t end) { return end == 0 ? 0 : random_() % end; }
  bool one_in(std::size_t n) { return random_below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[random_below(list.size())];
  }
  std::string pick_name() { return std::string(1, static_cast<char>('a' + random_below(queue_names))); }
  queue_id pick_queue();
  job_id pick_job();
  job_id pick_held_job(session_id session);
  session_id pick_session(bool must_be_free = false);
  session_id pick_free_session() { return pick_session(true); }
  queue_options make_queue_options();
  retry_options make_retry_options();
  put_request make_put_request();
  finish_request make_finish_request();
  void advance_clock();

  void run_command();
  void run_queue_command();
  void run_group_command();
  void run_session_command();
  void run_waiting_command();
  void run_holder_command();
  void run_job_command();
  void purge();
  void change_job();
  void put_many(queue_id queue);
  void reserve_many();
  void bury_many();
  void make_crowd_wait();
  void note_command(std::string text) {
    last_command_ = std::move(text);
    history_.push_back(last_command_);
    if (history_.size() > history_max) history_.pop_front();
  }

  template <class Answer>
  void compare_answers(const Answer& engine_answer, const Answer& model_answer);
  void compare_events_and_changes();
  std::string describe_difference();

  void do_due_steps();
  void read_bodies();
  void read_due_bodies();
  reserve_answer await_body(session_id session, reserve_answer answer);
  void store_bodies();

  static constexpr std::size_t queue_names = 6;
  static constexpr std::size_t history_max = 20;

  engine engine_;
  model model_;
  duel_options options_;
  std::mt19937_64 random_;
  instant now_{seconds{1'000}};
  std::vector<session_id> closing_;
  std::string last_command_;
  std::deque<std::string> history_;  ///< the last commands, for the message of a difference
  std::string difference_;
  std::size_t steps_{0};
  std::vector<event> events_;
  std::vector<event> newest_events_;
  std::vector<job_id> wanted_bodies_;
  std::map<job_id, std::string> disk_;
  std::vector<job_id> unsafe_;  ///< not yet reported as stored
  std::uint64_t bodies_read_{0};
  change_set changes_;
};

/// The first difference between the states; empty if there is none.
std::string difference(const engine& engine, const model& model);
/// In full, so that equal texts mean equal values.
std::string text_of(const event& event);
std::string text_of(const change& change);
std::string text_of(bool value);
std::string text_of(std::size_t value);
std::string text_of(const std::optional<std::size_t>& value);
std::string text_of(finish_status status);
std::string text_of(change_result result);
std::string text_of(const put_answer& answer);
std::string text_of(const reserve_answer& answer);

template <class Answer>
void duel::compare_answers(const Answer& engine_answer, const Answer& model_answer) {
  if (!difference_.empty()) return;
  const std::string engine_text = text_of(engine_answer), model_text = text_of(model_answer);
  if (engine_text != model_text) difference_ = "the engine answers " + engine_text + ", the model " + model_text;
}

}  // namespace millrace::engine::testing
