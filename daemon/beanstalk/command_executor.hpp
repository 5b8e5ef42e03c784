#pragma once

#include <cstdint>

#include "broker/decision.hpp"
#include "broker/receipt.hpp"
#include "network/outbox.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

/// How far a command has come.
enum class progress : std::uint8_t {
  answered,
  blocked,  ///< it waits for a decision; no command before `decide`
  partial,  ///< it did a part of something large: `proceed` at the next turn; no command before
  quit
};

/// The progress of a command and when the replies that it appended may leave.
struct command_result {
  progress reached{};
  broker::receipt durable_with{};
};

/// Executes the commands of one conversation and appends their replies. An interface, so that the tests of the
/// conversation decide what each command answers. Owned by the connection, beside the conversation; loop thread only.
class command_executor {
 public:
  /// The body of `command` is taken; the rest is not needed after the call.
  virtual command_result execute(wire::beanstalk_command& command, network::outbox& replies) = 0;
  /// A command that could not be read as one.
  virtual void refuse(wire::beanstalk_command_reader::found reason, wire::beanstalk_verb verb,
                      network::outbox& replies) = 0;
  /// Whether a command is partly done.
  [[nodiscard]] virtual bool is_partial() const noexcept = 0;
  /// Requires: is_partial().
  virtual command_result proceed(network::outbox& replies) = 0;
  /// The decision for the blocked command; returns when its reply may leave.
  virtual broker::receipt decide(broker::decision&& decision, network::outbox& replies) = 0;
  /// The client sends nothing more: answers the blocked command as if its time were over. False: the command waits for
  /// a body from disk, and its decision will come.
  virtual bool give_up(network::outbox& replies) = 0;
  /// The daemon drains: answers the blocked command. False: it is a peek, which waits for a body from disk.
  virtual bool end_wait_for_drain(network::outbox& replies) = 0;
  /// Whether any job is reserved for this client.
  [[nodiscard]] virtual bool holds_jobs() const = 0;

  [[nodiscard]] virtual bool is_durable(const broker::receipt& receipt) const = 0;
  /// Whether nothing becomes durable any more.
  [[nodiscard]] virtual bool store_has_failed() const = 0;
  /// Whether the client's changes take more of the write backlog than its share.
  [[nodiscard]] virtual bool backlog_exceeded() = 0;

 protected:
  ~command_executor() = default;
};

}  // namespace millrace::beanstalk
