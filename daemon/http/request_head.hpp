#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace millrace::http {

/// Checks the head of a request (request line and headers) as raw bytes, before any parser interprets it. A head passes
/// only if every recipient reads the same message length from it: two programs that disagree, such as a proxy and this
/// server, allow request smuggling (RFC 9112, 11.2).
///
/// It refuses bare CR or LF and other control characters, folded lines, names that are not tokens, more than one `Host`
/// (or none in HTTP/1.1), more than one `Content-Length` or `Transfer-Encoding`, both of them, a `Content-Length` that
/// is not a plain number, every `Transfer-Encoding` except `chunked`, any in HTTP/1.0, and a `Host` with characters
/// that no host has. The parser checks method, target and version.
///
/// One object for each request, owned by the coroutine that reads it; loop thread only. No I/O.
class request_head {
 public:
  enum class verdict {
    incomplete,  ///< more bytes are needed
    complete,    ///< `size()` bytes form the head
    refused      ///< see `status()` and `reason()`; no further byte of this connection may be read as a request
  };

  /// The cost of all calls together is linear in the number of bytes. Requires: `bytes` begin with the head, and with
  /// the bytes of the last call.
  verdict check(std::string_view bytes);

  [[nodiscard]] std::size_t size() const noexcept { return line_begin_; }
  [[nodiscard]] unsigned status() const noexcept { return status_; }
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }

 private:
  bool check_line(std::string_view line);
  bool check_field(std::string_view line);
  bool check_transfer_encoding(std::string_view value);
  bool check_end();
  bool refuse(std::string_view reason, unsigned status = 400) noexcept;

  std::size_t line_begin_{0};  ///< of the current line
  std::size_t searched_{0};    ///< the bytes before it were searched for the end of the line
  std::uint32_t lines_{0};
  bool http_1_0_{false};
  std::uint32_t hosts_{0};
  std::uint32_t lengths_{0};
  std::uint32_t encodings_{0};
  unsigned status_{0};
  std::string_view reason_;  ///< a literal
};

/// True if a chunk extension has no character that another recipient could read as the end of a line.
[[nodiscard]] bool is_safe_chunk_extension(std::string_view text) noexcept;

}  // namespace millrace::http
