#include "service/socket_activation.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "support/catch.hpp"

#include "service/listening_sockets.hpp"

using namespace millrace;
using namespace millrace::service;

namespace {

enum class listening { yes, no };

/// A TCP socket at a port that the kernel chose, as another program opens it.
int tcp_socket(listening listens = listening::yes) {
  const int made = ::socket(AF_INET, SOCK_STREAM, 0);
  ::sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(made, reinterpret_cast<const ::sockaddr*>(&here), sizeof here) == 0);
  if (listens == listening::yes) REQUIRE(::listen(made, 1) == 0);
  return made;
}

std::string error_of(const std::vector<passed_descriptor>& descriptors) {
  auto adopted = passed_sockets::adopt(descriptors);
  REQUIRE_FALSE(adopted.has_value());
  for (const auto& each : descriptors) ::close(each.descriptor);
  return adopted.error().text.substr(adopted.error().text.find('`'));
}

}  // namespace

TEST_CASE("passed sockets are taken by the name of their listener, once") {
  auto sockets = passed_sockets::adopt({{tcp_socket(), "http"}, {tcp_socket(), "beanstalk"}}).value();
  CHECK_FALSE(sockets.empty());
  const auto http = sockets.extract("http");
  REQUIRE(http.has_value());
  CHECK(http->local_address().host == "127.0.0.1");
  CHECK(http->local_address().port != 0);
  CHECK((::fcntl(http->descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK_FALSE(sockets.extract("http").has_value());
  CHECK(sockets.extract("beanstalk").has_value());
}

TEST_CASE("a single passed socket with a name that no listener has is that of the beanstalk listener") {
  auto sockets = passed_sockets::adopt({{tcp_socket(), "beanstalkd.socket"}}).value();
  CHECK(sockets.extract("beanstalk").has_value());
}

TEST_CASE("a single passed socket with the name of another listener is not that of the beanstalk listener") {
  auto sockets = passed_sockets::adopt({{tcp_socket(), "http"}}).value();
  CHECK_FALSE(sockets.extract("beanstalk").has_value());
  CHECK(sockets.extract("http").has_value());
}

TEST_CASE("passed sockets with an unknown name among several, or with the same name, are refused") {
  CHECK(error_of({{tcp_socket(), "beanstalk"}, {tcp_socket(), "htpp"}}) ==
        "`htpp`: no listener has this name (expected beanstalk, http or control)");
  CHECK(error_of({{tcp_socket(), "http"}, {tcp_socket(), "http"}}) ==
        "`http`: another socket has this name, and a listener has one socket");
}

TEST_CASE("a passed descriptor that is no listening stream socket is refused") {
  CHECK(error_of({{tcp_socket(listening::no), "http"}}) == "`http`: this socket does not listen");
  CHECK(error_of({{::socket(AF_INET, SOCK_DGRAM, 0), "http"}}) == "`http`: this is no stream socket");
  CHECK(error_of({{::open("/dev/null", O_RDONLY), "http"}}) == "`http`: this is no stream socket");
}

TEST_CASE("the file of a passed Unix socket is not removed") {
  std::string folder = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/socket";
  ::sockaddr_un here{};
  here.sun_family = AF_UNIX;
  path.copy(here.sun_path, sizeof here.sun_path - 1);
  const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(made, reinterpret_cast<const ::sockaddr*>(&here), sizeof here) == 0);
  REQUIRE(::listen(made, 1) == 0);
  {
    auto sockets = passed_sockets::adopt({{made, "beanstalk"}}).value();
    CHECK(sockets.extract("beanstalk")->local_address().unix_path == path);
  }
  struct ::stat found {};
  CHECK(::stat(path.c_str(), &found) == 0);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a passed socket opens its listener instead of the address of the settings, also if they give none") {
  settings::daemon_options options;
  options.http = network::parse_address("192.0.2.1:80").value();  // cannot be bound
  options.beanstalk.reset();
  auto passed = passed_sockets::adopt({{tcp_socket(), "http"}, {tcp_socket(), "beanstalk"}}).value();
  const auto sockets = bind_sockets(options, passed).value();
  CHECK(sockets.http->local_address().host == "127.0.0.1");
  CHECK(sockets.beanstalk.has_value());
}

TEST_CASE("a passed control socket without a file, whose permissions would decide who may control, is refused") {
  ::sockaddr_un here{};
  here.sun_family = AF_UNIX;  // bound without a path: the kernel chooses an abstract address
  const int made = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(::bind(made, reinterpret_cast<const ::sockaddr*>(&here), sizeof here.sun_family) == 0);
  REQUIRE(::listen(made, 1) == 0);
  settings::daemon_options options;
  options.http.reset();
  for (const int descriptor : {made, tcp_socket()}) {
    auto passed = passed_sockets::adopt({{descriptor, "control"}}).value();
    const auto sockets = bind_sockets(options, passed);
    REQUIRE_FALSE(sockets.has_value());
    CHECK(sockets.error().text.ends_with("is no Unix socket with a file: its permissions decide who may control"));
  }
}

TEST_CASE("sockets that are passed to another process are not taken") {
  // This test has one thread.
  ::setenv("LISTEN_PID", "1", 1);  // NOLINT(concurrency-mt-unsafe)
  ::setenv("LISTEN_FDS", "1", 1);  // NOLINT(concurrency-mt-unsafe)
  CHECK(passed_sockets::take().value().empty());
  CHECK(::getenv("LISTEN_FDS") == nullptr);  // NOLINT(concurrency-mt-unsafe)
}
