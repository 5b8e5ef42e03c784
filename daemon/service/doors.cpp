#include "service/doors.hpp"

#include <functional>
#include <string>
#include <utility>

#include "base/log.hpp"

namespace millrace::service {

namespace {

using binder = std::function<result<network::bound_socket>(const network::address&)>;

result<network::bound_socket> bind_one(const char* key, const network::address& address, const binder& bind) {
  auto bound = bind(address);
  if (!bound) return error{bound.error().code, std::string{key} + ": " + bound.error().text};
  return bound;
}

result<doors> bind_all(const settings::daemon_options& options, default_http http, const binder& bind) {
  doors made;
  if (options.http) {
    auto bound = bind_one("http", *options.http, bind);
    if (bound) {
      made.http.emplace(std::move(*bound));
    } else if (http == default_http::optional && !options.http_given) {
      log::warning("no_http", "metrics and health are not served: the default address cannot be bound",
                   {{"error", bound.error().text}});
    } else {
      return bound.error();
    }
  }
  if (options.beanstalk) {
    auto bound = bind_one("beanstalk", *options.beanstalk, bind);
    if (!bound) return bound.error();
    made.beanstalk.emplace(std::move(*bound));
  }
  return made;
}

}  // namespace

result<doors> bind_doors(const settings::daemon_options& options, default_http http) {
  return bind_all(options, http, network::bound_socket::bind);
}

result<doors> bind_doors(const settings::daemon_options& options, default_http http, privileges& user) {
  return bind_all(options, http, [&user](const network::address& where) {
    std::optional<network::bound_socket> bound;
    const auto as_user = user.as_user([&]() -> result<> {
      auto socket = network::bound_socket::bind(where);
      if (!socket) return socket.error();
      bound.emplace(std::move(*socket));
      return {};
    });
    // Root's own try says why not.
    return as_user && bound ? result<network::bound_socket>{std::move(*bound)} : network::bound_socket::bind(where);
  });
}

}  // namespace millrace::service
