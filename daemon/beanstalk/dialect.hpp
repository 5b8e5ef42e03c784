#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/counts.hpp"
#include "beanstalk/statistics.hpp"
#include "broker/broker.hpp"
#include "broker/decision.hpp"
#include "engine/engine.hpp"
#include "network/outbox.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::beanstalk {

/// The protocol's words ↔ the broker's words, for one connection: carries its commands out as a session of the broker and appends the replies.
/// Knows no socket.
///
/// Belongs to one connection, on the loop's thread. `leave` must have answered true before it is destroyed.
class dialect {
 public:
  enum class next {
    answered,
    waits,  ///< for a decision, which `decided` is to be handed; no command before
    later,  ///< it did a part of something large: `go_on` at the next turn; no command before
    quit
  };

  /// `by` receives the decisions. When the memory held for all clients reaches `held_bytes_max`, a list of tubes and a put that would wait
  /// for room are refused. What is referred to outlives it.
  dialect(loop::event_loop& loop, broker::broker& broker, session_counts& counts, const server_facts& facts,
          std::uint64_t held_bytes_max, broker::decision_taker& by);
  ~dialect();
  dialect(const dialect&) = delete;
  dialect& operator=(const dialect&) = delete;

  /// `command` is not needed any more; its body is taken.
  next carry_out(wire::beanstalk_command& command, network::outbox& replies);
  /// Something large, of which a part is left to be done.
  [[nodiscard]] bool unfinished() const noexcept { return unfinished_.index() != 0; }
  next go_on(network::outbox& replies);
  void decided(broker::decision&& decision, network::outbox& replies);
  /// When the replies to the last command or decision may leave; of a command in several parts, to all of them.
  [[nodiscard]] const broker::receipt& receipt() const noexcept { return receipt_; }
  /// While it waits: the client says nothing more, so that it is answered as if its time were over. False: what it waits for is on its way from
  /// disk and will come.
  bool give_up(network::outbox& replies);
  /// While it waits: the daemon drains. A put is answered DRAINING, a reserve TIMED_OUT, a reserve-job NOT_FOUND. False: it waits for a body that it
  /// only shows, which will come.
  bool end_wait_for_drain(network::outbox& replies);
  /// Whether any job is reserved for this client.
  [[nodiscard]] bool holds_jobs() const;

  /// Lets go of everything, in turns: true when done.
  [[nodiscard]] bool leave();

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
    std::size_t place{0};
    std::size_t counted{0};  ///< of its text, among the memory held for all
    wire::beanstalk_yaml yaml;
  };

  struct functions;  ///< one for each verb
  next put(command& what, outbox& replies);
  next reserve(command&, outbox& replies);
  next reserve_with_timeout(command& what, outbox& replies);
  next reserve_until(instant until, outbox& replies);
  next reserve_job(command& what, outbox& replies);
  next delete_job(command& what, outbox& replies);
  next release(command& what, outbox& replies);
  next bury(command& what, outbox& replies);
  next touch(command& what, outbox& replies);
  next kick(command& what, outbox& replies);
  next kick_job(command& what, outbox& replies);
  next go_on(kicking& it, outbox& replies);
  next go_on(listing& it, outbox& replies);
  next use(command& what, outbox& replies);
  next watch(command& what, outbox& replies);
  next ignore(command& what, outbox& replies);
  next pause_tube(command& what, outbox& replies);
  next peek(command& what, outbox& replies);
  next peek_ready(command&, outbox& replies);
  next peek_delayed(command&, outbox& replies);
  next peek_buried(command&, outbox& replies);
  next stats(command&, outbox& replies);
  next stats_job(command& what, outbox& replies);
  next stats_tube(command& what, outbox& replies);
  next list_tubes(command&, outbox& replies);
  next list_tube_used(command&, outbox& replies);
  next list_tubes_watched(command&, outbox& replies);
  next quit(command&, outbox&);

  next say(outbox& replies, word what);
  next say_if(outbox& replies, bool done, word what);
  next say_if_finished(outbox& replies, bool finished, word what);
  next say_watching(outbox& replies, const result<std::size_t>& count, word refusal);
  next show(outbox& replies, broker::receipted<broker::peek_answer>&& peeked);
  /// The answer, when its receipt is noted for the reply.
  template <class Answer>
  Answer noted(broker::receipted<Answer>&& answered) {
    receipt_ = broker::later_of(receipt_, answered.durable_with);
    return std::move(answered.answer);
  }
  void hand_over(outbox& replies, const engine::reserved_job& job);
  static void append_found(outbox& replies, job_id job, const body& content);
  void end_listing();
  void became(bool& already, std::uint32_t& count);
  /// What it waits for.
  enum class awaited : std::uint8_t { nothing, room, ready_job, named_job, shown_body };
  next begin_waiting(awaited what);
  void end_waiting();

  loop::event_loop& loop_;
  broker::broker& broker_;
  session_counts& counts_;
  const server_facts& facts_;
  std::uint64_t held_bytes_max_;
  broker::decision_taker& by_;
  session_id session_;
  broker::receipt receipt_;  ///< of the reply
  bool produces_{false};
  bool works_{false};
  awaited awaited_{awaited::nothing};
  std::size_t waiting_put_bytes_{0};  ///< among the memory held for all
  std::variant<std::monostate, kicking, listing> unfinished_;
};

}  // namespace millrace::beanstalk
