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

/// How a duel goes: few jobs, where all is compared after each command, or crowds, where the limits of a turn are met.
struct duel_options {
  std::uint64_t seed{1};
  std::size_t jobs_about{40};
  std::size_t sessions_about{7};
  std::size_t compare_every{1};  ///< commands from one look at everything to the next; answers are compared always
  bool small_limits{true};       ///< of queues, so that they are full most of the time
  /// The engine's queues are durable and hardly any body may stay in memory; its disk answers at once, before anything
  /// is compared.
  bool bodies_on_disk{false};
};

/// The engine and its model get the same random commands. Whatever one of them answers, tells, remembers or shows that
/// the other does not is a difference.
class duel {
 public:
  explicit duel(duel_options options);

  /// One command. Empty, or what differs and after which command.
  std::string step();
  /// The same command over and over, until more has piled up than one turn moves.
  std::string storm();
  [[nodiscard]] std::uint64_t bodies_read() const noexcept { return bodies_read_; }
  [[nodiscard]] std::uint64_t outcomes_put() const noexcept { return model_.outcomes_put; }

 private:
  using session_list = std::vector<session_id>;

  std::size_t any(std::size_t below) { return below == 0 ? 0 : random_() % below; }
  bool one_in(std::size_t n) { return any(n) == 0; }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[any(all.size())];
  }
  std::string name() { return std::string(1, static_cast<char>('a' + any(queues_))); }
  queue_id queue();
  job_id job();
  job_id held_job(session_id who);
  session_id session(bool at_leisure);
  queue_options options();
  retry_options retries();
  put_request request();
  finish_request finish();
  void let_time_pass();

  void command();
  void queue_command();
  void group_command();
  void session_command();
  void waiting_command();
  void holder_command();
  void job_command();
  void purge();
  void change_job();
  void put_many(queue_id into);
  void take_many();
  void bury_many();
  void wait_in_a_crowd();
  std::string verdict();
  void say(std::string what) {
    said_ = std::move(what);
    history_.push_back(said_);
    if (history_.size() > history_max) history_.pop_front();
  }
  template <class Answer>
  void expect(const Answer& engine, const Answer& model);
  void compare_told();
  void read_bodies();
  void settle_bodies();
  void do_what_is_due();
  reserve_answer with_body(session_id who, reserve_answer answer);
  void write_bodies();

  engine it_;
  model model_;
  duel_options options_;
  std::mt19937_64 random_;
  std::size_t queues_{6};
  instant now_{seconds{1'000}};
  std::vector<session_id> closing_;
  std::string said_;
  static constexpr std::size_t history_max = 20;
  std::deque<std::string> history_;  ///< the last commands, for the message of a difference
  std::string difference_;
  std::size_t steps_{0};
  std::vector<event> events_;
  std::vector<event> newest_events_;
  std::vector<job_id> wanted_;
  std::map<job_id, std::string> disk_;
  std::vector<job_id> unsafe_;
  std::uint64_t bodies_read_{0};
  change_set changes_;
};

/// What an engine shows that its model does not; empty if nothing.
std::string difference(const engine& it, const model& other);
/// In full, so that equal words mean equal values.
std::string words(const event& told);
std::string words(const change& what);
std::string shown(bool it);
std::string shown(std::size_t it);
std::string shown(const std::optional<std::size_t>& it);
std::string shown(finish_status it);
std::string shown(change_result it);
std::string shown(const put_answer& it);
std::string shown(const reserve_answer& it);

template <class Answer>
void duel::expect(const Answer& engine, const Answer& model) {
  if (!difference_.empty() || shown(engine) == shown(model)) return;
  difference_ = "the engine answers " + shown(engine) + ", the model " + shown(model);
}

}  // namespace millrace::engine::testing
