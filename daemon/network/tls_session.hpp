#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/types.h>
#include <millrace/base/result.hpp>

#include "network/tls.hpp"

namespace millrace::network {

/// TLS of one outgoing connection as a state machine without I/O: its owner moves the encrypted bytes. (Asio's own
/// stream needs a timer with `any_io_executor`, which no module uses.)
///
/// The owner sends what `take_output` returns after each call, and gives what it received to `put_input`, also when a
/// call needs input. An error ends the session.
class tls_session {
 public:
  enum class progress { done, needs_input, ended };
  struct read_result {
    progress step{progress::done};  ///< `ended`: the peer has said that this is the end
    std::size_t bytes{0};
  };

  /// Checks that the certificate of the peer is for `host`, a name or an address in numbers.
  tls_session(const tls_context& context, const std::string& host);

  /// `needs_input` or `done`.
  [[nodiscard]] result<progress> handshake();
  [[nodiscard]] result<read_result> read(std::span<char> into);
  /// Encrypts all of `bytes`, which are not empty.
  [[nodiscard]] result<> write(std::string_view bytes);

  [[nodiscard]] std::string take_output();
  void put_input(std::string_view bytes);
  /// The peer has closed its side of the connection. Without the end of TLS before, that is an error: an attacker
  /// could have cut the answer.
  void end_input();

 private:
  struct deleter {
    void operator()(SSL* session) const noexcept;
  };
  [[nodiscard]] error failure(int code) const;

  std::unique_ptr<SSL, deleter> session_;
  BIO* input_;   ///< of `session_`
  BIO* output_;  ///< of `session_`
};

}  // namespace millrace::network
