#include "http/server.hpp"

#include <utility>

namespace millrace::http {

server::server(loop::event_loop& loop, const http::routes& routes, connection_limits limits, std::string name)
    : connections_{loop, routes, limits},
      listener_{loop, std::move(name),
                [this](network::stream_socket socket) { return connections_.serve(std::move(socket)); },
                [this](network::stream_socket socket) { return connections_.serve_once(std::move(socket)); }} {
  connections_.count_in(listener_.counts());
}

loop::awaitable<> server::close(duration timeout) {
  listener_.stop_accepting();
  connections_.finish();
  co_await listener_.close(timeout);
}

}  // namespace millrace::http
