#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>

#include "network/bound_socket.hpp"

namespace millrace::service {

/// A descriptor that the service manager passed, with the name that `FileDescriptorName=` gives it.
struct passed_descriptor {
  int descriptor;
  std::string name;
};

/// Sockets that the service manager opened and passed to this process (sd_listen_fds(3)). Each has the name of a
/// listener. A single socket with any other name is that of the beanstalk listener, as beanstalkd takes it.
///
/// Owned by `run`; one thread calls it. When destroyed it closes the sockets that nobody has taken.
class passed_sockets {
 public:
  /// The names of sockets, which are those of the listeners.
  static constexpr std::string_view beanstalk_name = "beanstalk";
  static constexpr std::string_view http_name = "http";
  static constexpr std::string_view control_name = "control";

  /// Takes the descriptors that LISTEN_FDS announces for this process, and removes the variables, so that no child
  /// process takes them too. The error names a descriptor that is no listening socket, a name that no listener has, or
  /// one that two sockets have. Requires: no other thread runs.
  [[nodiscard]] static result<passed_sockets> take();
  [[nodiscard]] static result<passed_sockets> adopt(const std::vector<passed_descriptor>& descriptors);

  [[nodiscard]] bool empty() const noexcept { return sockets_.empty(); }
  [[nodiscard]] std::optional<network::bound_socket> extract(std::string_view name);

 private:
  struct named_socket {
    std::string name;
    network::bound_socket socket;
  };

  std::vector<named_socket> sockets_;
};

}  // namespace millrace::service
