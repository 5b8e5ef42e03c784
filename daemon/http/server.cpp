#include "http/server.hpp"

#include <utility>

namespace millrace::http {

server::server(loop::event_loop& loop, const http::routes& routes, session_limits limits, std::string name)
    : sessions_{loop, routes, limits},
      listener_{loop, std::move(name),
                [this](network::stream_socket socket) { return sessions_.serve(std::move(socket)); },
                [this](network::stream_socket socket) { return sessions_.serve_once(std::move(socket)); }} {
  sessions_.count_in(listener_.counts());
}

loop::awaitable<> server::close(duration timeout) {
  listener_.stop_accepting();
  sessions_.finish();
  co_await listener_.close(timeout);
}

}  // namespace millrace::http
