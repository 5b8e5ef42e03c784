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

/// Speaks the beanstalk protocol to any server of it. Commands are collected by `say` and leave in one write; replies come in the order of the
/// commands. A refusal (NOT_FOUND, DRAINING) is a reply like others; an error means that the connection failed or that the other side does not
/// speak the protocol, and that it is closed.
///
/// Owned by whoever asks; loop thread only, one coroutine at a time.
class beanstalk_client {
 public:
  explicit beanstalk_client(loop::event_loop& loop);

  loop::awaitable<result<>> open(const address& where, instant until);

  /// One command and its reply, whose views are good until the next call. Nothing else may be under way (asserted).
  loop::awaitable<result<wire::beanstalk_reply>> ask(const wire::beanstalk_command& what, instant until);

  /// Many at once: said, sent, and then a reply for each.
  void say(const wire::beanstalk_command& what);
  loop::awaitable<result<>> send(instant until);
  loop::awaitable<result<wire::beanstalk_reply>> reply(instant until);
  /// Commands said whose replies have not been taken.
  [[nodiscard]] std::size_t awaited() const noexcept { return awaited_; }

  /// The connection itself, for whoever goes on with bytes. Nothing may be under way (asserted).
  [[nodiscard]] connection& bytes() noexcept;

 private:
  error nonsense();

  connection connection_;
  std::string to_send_;
  std::vector<char> buffer_;
  std::string_view unread_;
  wire::beanstalk_reply_reader reader_;
  std::size_t awaited_{0};
};

/// What a reply says to people: `DRAINING: it takes no more jobs`.
[[nodiscard]] std::string_view in_words(wire::beanstalk_word word) noexcept;

}  // namespace millrace::network
