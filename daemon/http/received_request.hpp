#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/routes.hpp"

namespace millrace::http {

/// A request as the parser read it, as a handler of a route gets it. Its peer is not set.
[[nodiscard]] request request_of(boost::beast::http::request<boost::beast::http::string_body>&& message);

}  // namespace millrace::http
