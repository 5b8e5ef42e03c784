#pragma once

#include <optional>

#include <millrace/base/result.hpp>

#include "network/bound_socket.hpp"
#include "service/privileges.hpp"
#include "service/socket_activation.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// Sockets that are bound to the addresses of the settings, or that the service manager passed: a passed socket opens
/// its listener, whatever address the settings give it, also if they give none. All are bound before anything else
/// starts: while the process may still be root, and so that a second daemon ends before it touches data or prints.
struct listening_sockets {
  std::optional<network::bound_socket> http;
  std::optional<network::bound_socket> beanstalk;
  std::optional<network::bound_socket> control;
};

/// What happens when the default address of HTTP, which the settings do not name, is in use. `required`: an error.
/// `optional`: a warning, and no HTTP.
enum class default_http { required, optional };

/// The error names the key and the address. Takes the sockets of the listeners out of `passed`.
[[nodiscard]] result<listening_sockets> bind_sockets(const settings::daemon_options& options, passed_sockets& passed,
                                                     default_http http = default_http::required);
/// For a process that becomes `user`: binds each address with the rights of the user if possible, else as root (a port
/// below 1024, a Unix socket in a directory of root).
[[nodiscard]] result<listening_sockets> bind_sockets(const settings::daemon_options& options, passed_sockets& passed,
                                                     default_http http, privileges& user);

}  // namespace millrace::service
