#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/time.hpp>

#include "beanstalk/command_executor.hpp"
#include "beanstalk/conversation_context.hpp"
#include "beanstalk/counts.hpp"
#include "beanstalk/limits.hpp"
#include "beanstalk/reply_gate.hpp"
#include "network/outbox.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

/// Writes the replies of a conversation out as far as they may leave and as the peer takes them. The connection that
/// owns the conversation implements it; loop thread only.
class reply_sink {
 public:
  /// May call `conversation::must_close` and `abandon`.
  virtual void flush() = 0;

 protected:
  ~reply_sink() = default;
};

/// The protocol with one client, without its socket: takes bytes and decisions, has the commands executed in order, and
/// keeps the replies with the receipts that release them. Knows no socket, no loop and no clock; times are arguments.
///
///   idle -- a command must wait ------------> blocked ----- decision, end_input, drain --> idle
///                                            blocked ----- stop_waiting --------------> yielded
///   idle -- partial command, turn used up --> yielded ----- next turn -----------------> idle
///   idle -- unread replies, write backlog --> read_paused - below the low watermark ---> idle
///   idle -- quit, end of input, drained ----> closing;  any state -- finish, abandon --> closing
///
/// Belongs to one connection; loop thread only. It never ends by itself: `must_close` says when the connection closes.
/// Limits: `session_limits`. The connection stops reading while `wants_input` is false.
class conversation {
 public:
  enum class state : std::uint8_t {
    idle,         ///< the next command is executed when it is complete
    blocked,      ///< a command waits for a decision; further input is buffered
    yielded,      ///< continues at the next turn: a command is partly done, or the turn's share is used up
    read_paused,  ///< until the client has read its replies, or the disk has caught up
    closing       ///< no command is executed any more; ends when all replies are written
  };

  /// All of them outlive it.
  conversation(conversation_context& context, command_executor& executor, reply_sink& sink);
  conversation(const conversation&) = delete;
  conversation& operator=(const conversation&) = delete;

  // --- events ------------------------------------------------------------------------------------------------------
  /// Bytes of the client. What cannot be executed now is buffered.
  void receive(std::string_view bytes, instant now);
  /// The client has shut down its side; bytes that it sent before may be unread.
  void on_peer_shutdown() noexcept;
  /// If the client has shut down its side, gives up the command that waits. For a connection that does not read now.
  void stop_waiting(instant now);
  /// All that the client sent was received.
  void end_input(instant now);
  /// For the blocked command. Takes effect at the next `proceed`.
  void on_decision(broker::decision&& decision) noexcept { decision_ = std::move(decision); }
  /// A turn of this conversation, see `wants_turn`.
  void proceed(instant now);
  /// The daemon drains: ends a wait for a job or for capacity. It closes when it holds no job. May be called again.
  void drain(instant now);
  /// Closes as soon as the replies are written, whatever it holds.
  void finish(instant now);
  /// The connection is lost: replies and input are dropped.
  void abandon(instant now);

  // --- after an event ----------------------------------------------------------------------------------------------
  /// Counts the held memory. True: close the connection.
  [[nodiscard]] bool must_close(instant now);
  [[nodiscard]] network::outbox& replies() noexcept { return replies_; }
  /// The position in the stream of replies up to which they may be written.
  [[nodiscard]] std::uint64_t writable_up_to();
  /// Replies that may leave and are not written.
  [[nodiscard]] bool has_writable_replies() { return !replies_.empty() && replies_.written_total() < writable_up_to(); }
  /// Replies are held that will never be durable: the connection must be cut, since an answer would be a false promise.
  [[nodiscard]] bool has_lost_replies();
  /// Wants to know when more has become durable.
  [[nodiscard]] bool awaits_commit();
  [[nodiscard]] bool wants_turn();
  [[nodiscard]] bool wants_input() const noexcept;

  [[nodiscard]] state current() const noexcept { return state_; }
  [[nodiscard]] bool peer_has_shut_down() const noexcept { return input_from_ != input_source::open; }
  [[nodiscard]] bool input_has_ended() const noexcept { return input_from_ == input_source::ended; }
  /// The client has sent a command, or the line of a put.
  [[nodiscard]] bool has_spoken() const noexcept { return has_spoken_; }
  /// While it drains: it holds a job, has a command that is not answered, or a reply that waits for its commit.
  [[nodiscard]] bool has_work() const;

 private:
  using command = wire::beanstalk_command;
  using found = wire::beanstalk_command_reader::found;
  enum class input_source : std::uint8_t { open, shut_down, ended };

  std::string_view execute(std::string_view bytes, instant now);
  void execute_input(instant now);
  void execute_one(instant now);
  void hold_replies(std::uint64_t position, const broker::receipt& receipt);
  void end_wait_for_drain(instant now);
  void give_up_waiting(state next, instant now);
  void pause_if_full(instant now);
  void enter(state next, instant now);
  void pause(read_pause cause, instant now);
  void observe_wait(instant now);
  void count_memory();
  [[nodiscard]] bool waits_undecided() const noexcept { return state_ == state::blocked && !decision_; }
  [[nodiscard]] bool replies_full() const noexcept;
  [[nodiscard]] bool may_continue() noexcept;
  [[nodiscard]] bool all_executed() const noexcept;
  [[nodiscard]] std::size_t buffered() const noexcept { return input_.size() - executed_; }

  conversation_context& context_;
  command_executor& executor_;
  reply_sink& sink_;
  wire::beanstalk_command_reader reader_;
  network::outbox replies_;
  reply_gate gate_;
  command command_;          ///< the last one; its verb is read until it is answered
  std::string input_;        ///< commands behind the one that waits
  std::size_t executed_{0};  ///< bytes of `input_`
  std::size_t counted_{0};   ///< bytes of replies and input in `session_counts::held_bytes`
  std::optional<broker::decision> decision_;
  instant entered_{};  ///< its state
  state state_{state::idle};
  input_source input_from_{input_source::open};
  bool has_spoken_{false};
  bool is_executing_{false};  ///< input that is being executed may not be in `input_`
};

}  // namespace millrace::beanstalk
