#include "http/refusal.hpp"

#include <boost/beast/http/error.hpp>

namespace millrace::http {

namespace wire = boost::beast::http;

refusal refusal_of(const request_head& head) {
  return {head.status(), head.status() == 501 ? not_implemented : bad_request,
          "This is not a request in HTTP. " + std::string{head.reason()}};
}

std::optional<refusal> refusal_of(const boost::system::error_code& failure) {
  static const auto& of_http = wire::make_error_code(wire::error::end_of_stream).category();
  if (failure == wire::error::header_limit || failure == wire::error::buffer_overflow)
    return refusal{431, header_too_large, "The request line and headers are too long."};
  if (failure == wire::error::body_limit) return refusal{413, body_too_large, "The body is too long."};
  if (failure == wire::error::end_of_stream || failure.category() != of_http) return std::nullopt;
  return refusal{400, bad_request, "This is not a request in HTTP: " + failure.message() + "."};
}

}  // namespace millrace::http
