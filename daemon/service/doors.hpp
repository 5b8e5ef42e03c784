#pragma once

#include <optional>

#include <millrace/base/result.hpp>

#include "network/bound_socket.hpp"
#include "service/privileges.hpp"
#include "settings/settings.hpp"

namespace millrace::service {

/// The addresses that the settings name, taken before anything else is begun: while the process may still be root, and
/// so that a second daemon ends before it touches data or prints.
struct doors {
  std::optional<network::bound_socket> http;
  std::optional<network::bound_socket> beanstalk;
};

/// Whether an address of HTTP that nobody asked for may be taken by somebody else: then there is a warning and no HTTP.
enum class default_http { required, optional };

/// The error names the key and the address.
[[nodiscard]] result<doors> bind_doors(const settings::daemon_options& options,
                                       default_http http = default_http::required);
/// The same for a process that becomes `user`: what the user may bind belongs to the user, root binds the rest (a port
/// below 1024, a Unix socket in a directory of root's).
[[nodiscard]] result<doors> bind_doors(const settings::daemon_options& options, default_http http, privileges& user);

}  // namespace millrace::service
