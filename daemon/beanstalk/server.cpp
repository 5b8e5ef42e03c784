#include "beanstalk/server.hpp"

#include <utility>

namespace millrace::beanstalk {

server::server(loop::event_loop& loop, broker::broker& broker, session_limits limits)
    : loop_{loop},
      broker_{broker},
      listener_{loop, "beanstalk",
                [this](network::stream_socket socket) { return connections_.serve(std::move(socket)); }},
      connections_{loop, broker, listener_.counts(), limits} {}

result<> server::open(const network::listener_options& options) {
  auto socket = network::bound_socket::bind(options.listen_address);
  if (!socket) return socket.error();
  return open(std::move(*socket), options.connections_max);
}

result<> server::open(network::bound_socket socket, std::uint32_t connections_max) {
  // A new connection uses and watches it, so it must exist although the number of queues is limited.
  if (const auto made = broker_.find_or_declare("default"); !made) return made.error();
  return listener_.open(std::move(socket), connections_max);
}

void server::drain() {
  listener_.stop_accepting();
  connections_.drain();
}

loop::awaitable<bool> server::drained(duration patience) {
  return connections_.drained(after(loop_.refresh_now(), patience));
}

loop::awaitable<> server::close(duration patience) {
  drain();
  connections_.finish();
  co_await listener_.close(patience);
  co_await connections_.close();
}

}  // namespace millrace::beanstalk
