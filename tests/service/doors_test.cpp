#include "service/doors.hpp"

#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::service;

namespace {

/// An address that another program has taken and does not serve yet, as a daemon does while it recovers.
class taken_address {
 public:
  taken_address() : socket_{network::bound_socket::bind(network::parse_address("127.0.0.1:0").value()).value()} {}
  [[nodiscard]] const network::address& address() const { return socket_.local_address(); }
  [[nodiscard]] std::string text() const { return network::write_address(address()); }

 private:
  network::bound_socket socket_;
};

}  // namespace

TEST_CASE("a run that ends by itself does without HTTP when the default address is taken") {
  const taken_address taken;
  settings::daemon_options options;
  options.http = taken.address();
  const auto made = bind_doors(options, default_http::optional);
  REQUIRE(made.has_value());
  CHECK_FALSE(made->http.has_value());
}

TEST_CASE("an address of HTTP that was asked for must be free, and so must the default of a daemon") {
  const taken_address taken;
  settings::daemon_options options;
  options.http = taken.address();
  CHECK(bind_doors(options, default_http::required).error().text ==
        "http: " + taken.text() + ": address already in use");
  options.http_given = true;
  CHECK(bind_doors(options, default_http::optional).error().text ==
        "http: " + taken.text() + ": address already in use");
}

TEST_CASE("an address that is taken for clients ends the start whoever starts") {
  const taken_address taken;
  settings::daemon_options options;
  options.http.reset();
  options.beanstalk = taken.address();
  CHECK(bind_doors(options, default_http::optional).error().text ==
        "beanstalk: " + taken.text() + ": address already in use");
}
