#include "service/listening_sockets.hpp"

#include <functional>
#include <string>
#include <utility>

#include "base/log.hpp"

namespace millrace::service {

namespace {

using bind_function = std::function<result<network::bound_socket>(const network::address&)>;

result<network::bound_socket> bind_one(const char* key, const network::address& address, const bind_function& bind) {
  auto bound = bind(address);
  if (!bound) return error{bound.error().code, std::string{key} + ": " + bound.error().text};
  return bound;
}

/// The socket that the service manager passed for this listener, if any. The address of the settings is not used then.
std::optional<network::bound_socket> take_passed(passed_sockets& passed, std::string_view name,
                                                 const std::optional<network::address>& address) {
  auto socket = passed.extract(name);
  if (socket)
    log::info("socket_passed", "a listener uses the socket of the service manager",
              {{"listener", name},
               {"address", network::write_address(socket->local_address())},
               {"instead_of", address ? network::write_address(*address) : "off"}});
  return socket;
}

/// Abstract Unix sockets, which begin with @, have no permissions.
bool has_file(const network::address& address) { return !address.unix_path.empty() && address.unix_path[0] != '@'; }

result<network::socket_access> control_access(const settings::daemon_options& options) {
  network::socket_access access{.mode = options.control_mode};
  if (!options.control_group) return access;
  auto group = find_group(*options.control_group);
  if (!group) return error{group.error().code, "control_group: " + group.error().text};
  access.group = *group;
  return access;
}

result<listening_sockets> bind_all(const settings::daemon_options& options, passed_sockets& passed, default_http http,
                                   const bind_function& bind) {
  listening_sockets sockets;
  if (auto socket = take_passed(passed, passed_sockets::http_name, options.http)) {
    sockets.http.emplace(std::move(*socket));
  } else if (options.http) {
    auto bound = bind_one("http", *options.http, bind);
    if (bound) {
      sockets.http.emplace(std::move(*bound));
    } else if (http == default_http::optional && !options.http_given) {
      log::warning("no_http", "metrics and health are not served: the default address cannot be bound",
                   {{"error", bound.error().text}});
    } else {
      return bound.error();
    }
  }
  if (auto socket = take_passed(passed, passed_sockets::beanstalk_name, options.beanstalk)) {
    sockets.beanstalk.emplace(std::move(*socket));
  } else if (options.beanstalk) {
    auto bound = bind_one("beanstalk", *options.beanstalk, bind);
    if (!bound) return bound.error();
    sockets.beanstalk.emplace(std::move(*bound));
  }
  if (auto socket = take_passed(passed, passed_sockets::control_name, options.control)) {
    if (!has_file(socket->local_address()))
      return error{errc::refused, "control: " + network::write_address(socket->local_address()) +
                                      " is no Unix socket with a file: its permissions decide who may control"};
    sockets.control.emplace(std::move(*socket));
  } else if (options.control) {
    auto access = control_access(options);
    if (!access) return access.error();
    auto bound = bind_one("control", *options.control, [&](const network::address& address) {
      return network::bound_socket::bind(address, *access);
    });
    if (!bound) return bound.error();
    sockets.control.emplace(std::move(*bound));
  }
  return sockets;
}

}  // namespace

result<listening_sockets> bind_sockets(const settings::daemon_options& options, passed_sockets& passed,
                                       default_http http) {
  return bind_all(options, passed, http,
                  [](const network::address& address) { return network::bound_socket::bind(address); });
}

result<listening_sockets> bind_sockets(const settings::daemon_options& options, passed_sockets& passed,
                                       default_http http, privileges& user) {
  return bind_all(options, passed, http, [&user](const network::address& address) {
    std::optional<network::bound_socket> bound;
    const auto as_user = user.as_user([&]() -> result<> {
      auto socket = network::bound_socket::bind(address);
      if (!socket) return socket.error();
      bound.emplace(std::move(*socket));
      return {};
    });
    // If root fails too, report the error of root.
    return as_user && bound ? result<network::bound_socket>{std::move(*bound)} : network::bound_socket::bind(address);
  });
}

}  // namespace millrace::service
