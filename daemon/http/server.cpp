#include "http/server.hpp"

#include <utility>

namespace millrace::http {

server::server(loop::event_loop& loop, const routes& where, session_limits limits)
    : sessions_{loop, where, limits},
      door_{loop, "http", [this](network::stream_socket socket) { return sessions_.serve(std::move(socket)); },
            [this](network::stream_socket socket) { return sessions_.serve_once(std::move(socket)); }} {
  sessions_.count_in(door_.counts());
}

loop::awaitable<> server::close(duration patience) {
  door_.stop_accepting();
  sessions_.finish();
  co_await door_.close(patience);
}

}  // namespace millrace::http
