#include "network/options.hpp"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using network::parse_address;
using network::write_address;

TEST_CASE("an address is a host and a port, or the path of a socket") {
  CHECK(parse_address("127.0.0.1:9464")->host == "127.0.0.1");
  CHECK(parse_address("127.0.0.1:9464")->port == 9464);
  CHECK(parse_address("localhost:0")->port == 0);
  CHECK(parse_address("[::1]:65535")->host == "::1");
  CHECK(parse_address("[fe80::1%eth0]:80")->host == "fe80::1%eth0");
  CHECK(parse_address("unix:/run/x.sock")->unix_path == "/run/x.sock");
  CHECK(parse_address("unix:" + std::string(107, 'x')).has_value());
}

TEST_CASE("an address that is written reads back as the same") {
  for (const char* text : {"127.0.0.1:9464", "[::1]:0", "localhost:65535", "unix:/run/x.sock", "unix:a:1"}) {
    CAPTURE(text);
    CHECK(write_address(*parse_address(text)) == text);
  }
}

TEST_CASE("only addresses in numbers and localhost can be listened at") {
  using network::parse_listen_address;
  for (const char* text : {"127.0.0.1:9464", "[::1]:0", "localhost:65535", "unix:/run/x.sock", "0.0.0.0:1"}) {
    CAPTURE(text);
    CHECK(write_address(parse_listen_address(text).value()) == text);
  }
  for (const char* text : {"example.org:80", "127.0.0.1.5:80", "999.0.0.1:80"}) {
    CAPTURE(text);
    const auto read = parse_listen_address(text);
    REQUIRE(read.has_error());
    CHECK(read.error().text.find("neither an address in numbers nor localhost") != std::string::npos);
  }
  CHECK(parse_listen_address("nowhere").error().text.find("names no port") != std::string::npos);
}

TEST_CASE("what is no address is refused with what is wrong") {
  for (const auto& [text, why] : std::vector<std::pair<std::string, std::string>>{
           {"", "names no port"},
           {"9464", "names no port"},
           {":9464", "names no host"},
           {"localhost:", "has no port from 0 to 65535"},
           {"localhost:65536", "has no port from 0 to 65535"},
           {"localhost:-1", "has no port from 0 to 65535"},
           {"localhost:80x", "has no port from 0 to 65535"},
           {"::1:9464", "an IPv6 address stands in brackets"},
           {"[::1:9464", "an IPv6 address stands in brackets"},
           {"[]:9464", "an IPv6 address stands in brackets"},
           {"[host]:9464", "has no IPv6 address between its brackets"},
           {"a host:9464", "names no possible host"},
           {std::string(254, 'a') + ":1", "names no possible host"},
           {"unix:", "names no path"},
           {"unix:" + std::string(108, 'x'), "is no path of at most 107 bytes"},
       }) {
    CAPTURE(text);
    const auto read = parse_address(text);
    REQUIRE(read.has_error());
    CHECK(read.error().text.find(why) != std::string::npos);
  }
}
