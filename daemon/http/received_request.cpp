#include "http/received_request.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace millrace::http {

namespace wire = boost::beast::http;

namespace {

method method_of(wire::verb verb) {
  switch (verb) {
    case wire::verb::get:
      return method::get;
    case wire::verb::head:
      return method::head;
    case wire::verb::post:
      return method::post;
    case wire::verb::put:
      return method::put;
    case wire::verb::delete_:
      return method::remove;
    default:
      return method::other;
  }
}

/// All headers of one name as one list.
std::string list_of(const wire::fields& headers, wire::field name) {
  std::string list;
  const auto [first, last] = headers.equal_range(name);
  for (auto header = first; header != last; ++header) {
    if (!list.empty()) list += ',';
    list.append(header->value().data(), header->value().size());
  }
  return list;
}

}  // namespace

request request_of(wire::request<wire::string_body>&& message) {
  const auto target = std::string_view{message.target().data(), message.target().size()};
  const auto mark = target.find('?');
  request received;
  received.method = method_of(message.method());
  received.path = target.substr(0, mark);
  if (mark != std::string_view::npos) received.query = target.substr(mark + 1);
  received.accept = list_of(message, wire::field::accept);
  received.accept_encoding = list_of(message, wire::field::accept_encoding);
  received.body = std::move(message.body());
  if (const auto key = message.find("Idempotency-Key"); key != message.end())
    received.idempotency_key = std::string_view{key->value().data(), key->value().size()};
  return received;
}

}  // namespace millrace::http
