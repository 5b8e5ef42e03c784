#include "service/listening_sockets.hpp"

#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::service;

namespace {

/// An address that is bound but not served yet, as by a daemon that recovers its store.
class used_address {
 public:
  used_address() : socket_{network::bound_socket::bind(network::parse_address("127.0.0.1:0").value()).value()} {}
  [[nodiscard]] const network::address& address() const { return socket_.local_address(); }
  [[nodiscard]] std::string text() const { return network::write_address(address()); }

 private:
  network::bound_socket socket_;
};

result<listening_sockets> bind(const settings::daemon_options& options, default_http http) {
  passed_sockets none;
  return bind_sockets(options, none, http);
}

}  // namespace

TEST_CASE("an optional default address of HTTP that is in use is skipped") {
  const used_address used;
  settings::daemon_options options;
  options.http = used.address();
  const auto sockets = bind(options, default_http::optional);
  REQUIRE(sockets.has_value());
  CHECK_FALSE(sockets->http.has_value());
}

TEST_CASE("an address of HTTP that is in use is an error if it was configured or is required") {
  const used_address used;
  settings::daemon_options options;
  options.http = used.address();
  CHECK(bind(options, default_http::required).error().text == "http: " + used.text() + ": address already in use");
  options.http_given = true;
  CHECK(bind(options, default_http::optional).error().text == "http: " + used.text() + ": address already in use");
}

TEST_CASE("a beanstalk address that is in use is always an error") {
  const used_address used;
  settings::daemon_options options;
  options.http.reset();
  options.beanstalk = used.address();
  CHECK(bind(options, default_http::optional).error().text == "beanstalk: " + used.text() + ": address already in use");
}
