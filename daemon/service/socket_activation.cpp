#include "service/socket_activation.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/system_message.hpp"

namespace millrace::service {
namespace {

constexpr int remove_from_environment = 1;
constexpr std::array names{passed_sockets::beanstalk_name, passed_sockets::http_name, passed_sockets::control_name};

bool is_known(const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

error refusal(const passed_descriptor& passed, const std::string& reason) {
  return {errc::invalid, "descriptor " + std::to_string(passed.descriptor) + " of the service manager, `" +
                             passed.name + "`: " + reason};
}

}  // namespace

result<passed_sockets> passed_sockets::take() {
  char** given_names = nullptr;
  const int count = ::sd_listen_fds_with_names(remove_from_environment, &given_names);
  if (count < 0) return error{errc::invalid, "LISTEN_FDS: " + system_message(-count)};
  std::vector<passed_descriptor> descriptors;
  for (int n = 0; n < count; ++n) {
    descriptors.push_back({SD_LISTEN_FDS_START + n, given_names[n]});
    std::free(given_names[n]);
  }
  std::free(given_names);
  return adopt(descriptors);
}

result<passed_sockets> passed_sockets::adopt(const std::vector<passed_descriptor>& descriptors) {
  passed_sockets all;
  for (const auto& passed : descriptors) {
    const bool is_lone = descriptors.size() == 1;
    if (!is_known(passed.name) && !is_lone)
      return refusal(passed, "no listener has this name (expected beanstalk, http or control)");
    std::string name = is_known(passed.name) ? passed.name : std::string{beanstalk_name};
    const auto same = std::find_if(all.sockets_.begin(), all.sockets_.end(),
                                   [&name](const named_socket& other) { return other.name == name; });
    if (same != all.sockets_.end())
      return refusal(passed, "another socket has this name, and a listener has one socket");
    auto socket = network::bound_socket::adopt(passed.descriptor);
    if (!socket) return refusal(passed, socket.error().text);
    all.sockets_.push_back({std::move(name), std::move(*socket)});
  }
  return all;
}

std::optional<network::bound_socket> passed_sockets::extract(std::string_view name) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [name](const named_socket& candidate) { return candidate.name == name; });
  if (found == sockets_.end()) return std::nullopt;
  std::optional<network::bound_socket> socket{std::move(found->socket)};
  found->name.clear();
  return socket;
}

}  // namespace millrace::service
