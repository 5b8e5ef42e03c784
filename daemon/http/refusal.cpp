#include "http/refusal.hpp"

#include <string>

#include <boost/beast/http/error.hpp>

namespace millrace::http {

namespace wire = boost::beast::http;

refusal refusal_of(const request_head& head) {
  return {text(head.status(), "This is not a request in HTTP. " + std::string{head.reason()} + "\n"),
          head.status() == 501 ? not_implemented : bad_request};
}

std::optional<refusal> refusal_of(const boost::system::error_code& failure) {
  static const auto& of_http = wire::make_error_code(wire::error::end_of_stream).category();
  if (failure == wire::error::header_limit || failure == wire::error::buffer_overflow)
    return refusal{text(431, "The request line and headers are too long.\n"), header_too_large};
  if (failure == wire::error::body_limit) return refusal{text(413, "The body is too long.\n"), body_too_large};
  if (failure == wire::error::end_of_stream || failure.category() != of_http) return std::nullopt;
  return refusal{text(400, "This is not a request in HTTP: " + failure.message() + ".\n"), bad_request};
}

}  // namespace millrace::http
