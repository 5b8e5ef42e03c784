#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/connection.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::network {

/// A client of the beanstalk protocol (wire/PROTOCOL.md). `queue` collects commands and `send` writes them all; the
/// replies arrive in the order of the commands. A refusal (NOT_FOUND, DRAINING) is a reply like others. An error means
/// that the connection failed or that the peer does not speak the protocol, and that the connection is closed.
///
/// Owned by its user; loop thread only, one coroutine at a time.
class beanstalk_client {
 public:
  explicit beanstalk_client(loop::event_loop& loop);

  loop::awaitable<result<>> open(const address& target, instant until);

  /// One command and its reply, whose views are valid until the next call. Requires: no reply is awaited (asserted).
  loop::awaitable<result<wire::beanstalk_reply>> call(const wire::beanstalk_command& command, instant until);

  /// Many commands at once: `queue` each, `send`, then `reply` once for each.
  void queue(const wire::beanstalk_command& command);
  loop::awaitable<result<>> send(instant until);
  loop::awaitable<result<wire::beanstalk_reply>> reply(instant until);
  /// Commands whose replies have not been taken.
  [[nodiscard]] std::size_t awaited() const noexcept { return awaited_; }

  /// The connection itself, for a caller that goes on with bytes. Requires: no reply is awaited (asserted).
  [[nodiscard]] connection& bytes() noexcept;

 private:
  error protocol_error();

  connection connection_;
  std::string to_send_;
  std::vector<char> buffer_;
  std::string_view unread_;
  wire::beanstalk_reply_reader reader_;
  std::size_t awaited_{0};
};

/// A reply as a text for people: `DRAINING: it takes no more jobs`.
[[nodiscard]] std::string_view in_words(wire::beanstalk_word word) noexcept;

}  // namespace millrace::network
