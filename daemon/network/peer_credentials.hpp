#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace millrace::network {

/// The program at the other end of a Unix socket, as it was when it connected (SO_PEERCRED in unix(7)).
struct peer_credentials {
  pid_t process{0};
  uid_t user{0};
  gid_t group{0};
};

/// nullopt for another kind of socket.
[[nodiscard]] std::optional<peer_credentials> peer_credentials_of(int descriptor) noexcept;

/// For people: `127.0.0.1:40512`, or `process 4711 of user 1000` for a Unix socket. Empty if it is not connected.
[[nodiscard]] std::string peer_name_of(int descriptor);

}  // namespace millrace::network
