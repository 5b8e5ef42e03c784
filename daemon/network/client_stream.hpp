#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/connection.hpp"
#include "network/name_resolver.hpp"
#include "network/options.hpp"
#include "network/tls.hpp"
#include "network/tls_session.hpp"

namespace millrace::network {

/// An outgoing stream of bytes, plain or under TLS. Each operation has a deadline. After a failed one the stream is
/// closed. Errors name the peer and the reason.
///
/// Owned by its user; loop thread only, one operation at a time. The operation of a cancelled task throws
/// operation_aborted, and the stream must not be used any more. Closes when destroyed.
class client_stream {
 public:
  explicit client_stream(loop::event_loop& loop) : connection_{loop} {}

  /// Plain. `target` must outlive the call.
  loop::awaitable<result<>> open(const address& target, instant until);
  /// Tries the addresses of `target.host` one after another. `context` may be null: plain. It must outlive the stream,
  /// and the other parameters the call.
  loop::awaitable<result<>> open(const address& target, const ip_addresses& candidates, const tls_context* context,
                                 instant until);

  /// The number of bytes; 0: the peer has ended its side.
  loop::awaitable<result<std::size_t>> read_some(std::span<char> into, instant until);
  /// Writes all of `bytes`, which must outlive the call.
  loop::awaitable<result<>> write(std::string_view bytes, instant until);

  /// Open, and the peer has neither closed it nor sent anything. (Under TLS, it may have sent a new session ticket.)
  [[nodiscard]] bool is_quiet();
  [[nodiscard]] const std::string& peer() const noexcept { return connection_.peer(); }

 private:
  loop::awaitable<result<>> shake_hands(instant until);
  loop::awaitable<result<>> send_output(instant until);
  /// Receives more encrypted bytes.
  loop::awaitable<result<>> receive_input(instant until);
  [[nodiscard]] error failed(const error& failure);

  connection connection_;
  std::optional<tls_session> session_;
};

}  // namespace millrace::network
