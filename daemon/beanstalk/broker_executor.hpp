#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/command_executor.hpp"
#include "beanstalk/conversation_context.hpp"
#include "beanstalk/statistics.hpp"
#include "broker/backlog_share.hpp"
#include "broker/broker.hpp"
#include "broker/decision.hpp"
#include "engine/engine.hpp"
#include "network/outbox.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::beanstalk {

/// Executes the commands of one connection as a session of the broker and appends the replies. Knows no socket.
///
/// Belongs to one connection; loop thread only. Requires: `close_session` has returned true before it is destroyed.
class broker_executor final : public command_executor {
 public:
  /// `taker` receives the decisions. When `context.has_memory_for` is false, a list of tubes and a put that would wait
  /// for capacity are answered OUT_OF_MEMORY. All references outlive it.
  broker_executor(loop::event_loop& loop, broker::broker& broker, conversation_context& context,
                  const server_facts& facts, broker::decision_taker& taker);
  ~broker_executor();
  broker_executor(const broker_executor&) = delete;
  broker_executor& operator=(const broker_executor&) = delete;

  command_result execute(wire::beanstalk_command& command, network::outbox& replies) override;
  void refuse(wire::beanstalk_command_reader::found reason, wire::beanstalk_verb verb,
              network::outbox& replies) override;
  [[nodiscard]] bool is_partial() const noexcept override { return unfinished_.index() != 0; }
  command_result proceed(network::outbox& replies) override;
  broker::receipt decide(broker::decision&& decision, network::outbox& replies) override;
  bool give_up(network::outbox& replies) override;
  /// A put is answered DRAINING, a reserve TIMED_OUT, a reserve-job NOT_FOUND.
  bool end_wait_for_drain(network::outbox& replies) override;
  [[nodiscard]] bool holds_jobs() const override;
  [[nodiscard]] bool is_durable(const broker::receipt& receipt) const override { return broker_.is_durable(receipt); }
  [[nodiscard]] bool store_has_failed() const override { return broker_.store_has_failed(); }
  bool backlog_exceeded() override { return share_.exceeded(broker_); }

  /// Withdraws the blocked command and releases the jobs that the session holds, a part at each call. True: the session
  /// is closed. False: call it again at a later turn.
  [[nodiscard]] bool close_session();

  /// None once `close_session` has returned true.
  [[nodiscard]] session_id session() const noexcept { return session_; }

 private:
  using command = wire::beanstalk_command;
  using outbox = network::outbox;
  using word = wire::beanstalk_word;

  struct kicking {
    queue_id queue{};
    std::size_t left{0};
    std::uint64_t kicked{0};
    engine::engine::kick_from from{engine::engine::kick_from::undecided};
  };
  struct listing {
    std::size_t cursor{0};
    std::size_t counted_bytes{0};  ///< of its text, in `session_counts::held_bytes`
    wire::beanstalk_yaml yaml;
  };

  struct functions;  ///< one for each verb
  progress put(command& request, outbox& replies);
  progress reserve(command&, outbox& replies);
  progress reserve_with_timeout(command& request, outbox& replies);
  progress reserve_until(instant until, outbox& replies);
  progress reserve_job(command& request, outbox& replies);
  progress delete_job(command& request, outbox& replies);
  progress release(command& request, outbox& replies);
  progress bury(command& request, outbox& replies);
  progress touch(command& request, outbox& replies);
  progress kick(command& request, outbox& replies);
  progress kick_job(command& request, outbox& replies);
  progress proceed(kicking& kick, outbox& replies);
  progress proceed(listing& list, outbox& replies);
  progress use(command& request, outbox& replies);
  progress watch(command& request, outbox& replies);
  progress ignore(command& request, outbox& replies);
  progress pause_tube(command& request, outbox& replies);
  progress peek(command& request, outbox& replies);
  progress peek_ready(command&, outbox& replies);
  progress peek_delayed(command&, outbox& replies);
  progress peek_buried(command&, outbox& replies);
  progress stats(command&, outbox& replies);
  progress stats_job(command& request, outbox& replies);
  progress stats_tube(command& request, outbox& replies);
  progress list_tubes(command&, outbox& replies);
  progress list_tube_used(command&, outbox& replies);
  progress list_tubes_watched(command&, outbox& replies);
  progress quit(command&, outbox&);

  progress reply(outbox& replies, word answer);
  progress reply_or_not_found(outbox& replies, bool done, word answer);
  progress reply_and_count_finished(outbox& replies, bool finished, word answer);
  progress reply_watching(outbox& replies, const result<std::size_t>& count, word refusal);
  progress show(outbox& replies, broker::receipted<broker::peek_answer>&& peeked);
  /// Notes the receipt for the reply and returns the answer.
  template <class Answer>
  Answer note_receipt(broker::receipted<Answer>&& answered) {
    receipt_ = broker::later_of(receipt_, answered.durable_with);
    return std::move(answered.answer);
  }
  void append_reserved(outbox& replies, const engine::reserved_job& job);
  static void append_found(outbox& replies, job_id job, const body& content);
  void end_listing();
  void count_once(bool& is_counted, std::uint32_t& count);
  /// The event that a blocked command waits for.
  enum class awaited : std::uint8_t { nothing, capacity, ready_job, reserved_body, peeked_body };
  progress begin_waiting(awaited target);
  void end_waiting();

  loop::event_loop& loop_;
  broker::broker& broker_;
  conversation_context& context_;
  const server_facts& facts_;
  broker::decision_taker& taker_;
  broker::backlog_share share_;
  session_id session_;
  broker::receipt receipt_;          ///< of the replies to the command in progress
  bool counted_as_producer_{false};  ///< in `session_counts`
  bool counted_as_worker_{false};    ///< in `session_counts`
  awaited awaited_{awaited::nothing};
  std::size_t waiting_put_bytes_{0};  ///< counted in `session_counts::held_bytes`
  std::variant<std::monostate, kicking, listing> unfinished_;
};

}  // namespace millrace::beanstalk
