#include "network/url.hpp"

#include <array>
#include <string>

#include "support/catch.hpp"

using namespace millrace;
using network::parse_url;
using network::url;

namespace {

std::string refusal(std::string_view text) {
  const auto parsed = parse_url(text);
  return parsed ? "" : parsed.error().text;
}

std::string resolved(std::string_view base, std::string_view reference) {
  const auto found = network::resolve_reference(parse_url(base).value(), reference);
  return found ? network::write_origin(*found) + found->target : found.error().text;
}

}  // namespace

TEST_CASE("a URL is split into scheme, host, port and target") {
  CHECK(parse_url("http://example.com").value() == url{false, "example.com", 80, "/"});
  CHECK(parse_url("HTTPS://Example.COM/A?b=C#d").value() == url{true, "example.com", 443, "/A?b=C"});
  CHECK(parse_url("http://a:8080?x").value() == url{false, "a", 8080, "/?x"});
  CHECK(parse_url("http://[::1]:65535/").value() == url{false, "::1", 65535, "/"});
  CHECK(parse_url("http://[::1]").value() == url{false, "::1", 80, "/"});
  CHECK(parse_url("http://a:/").value() == url{false, "a", 80, "/"});
  CHECK(parse_url("http://a/b//../c:d@e").value() == url{false, "a", 80, "/b//../c:d@e"});
}

TEST_CASE("a text that is no URL of HTTP is refused with the reason") {
  for (const char* const text : {"", "example.com", "//a", "ftp://a", "http", "http:/a", "http:"})
    CHECK(refusal(text) == "does not begin with http:// or https://");
  for (const char* const text : {"http://", "http:///x", "http://a%20b/", "http://a,b/", "http://::1/"})
    CHECK_FALSE(refusal(text).empty());
  for (const char* const text : {"http://a:0/", "http://a:65536/", "http://a:8x/", "http://a:+1/", "http://a:-1/"})
    CHECK(refusal(text) == "has no port from 1 to 65535 behind the host");
  CHECK(refusal("http://me:secret@a/") == "has a user or a password: use a header");
  CHECK(refusal("http://[::1/") == "has a `[` without a `]`");
  CHECK(refusal("http://[x]/") == "has no IPv6 address between `[` and `]`");
  CHECK(refusal("http://[::1]x/") == "has text between `]` and the path");
  for (const char* const text : {"http://a/b c", "http://a/\r\nX:", "http://a/\xc3\xa4", "http://a/\x7f"})
    CHECK(refusal(text) == "has a character that must be percent-encoded");
  CHECK(refusal("http://a/" + std::string(network::url_bytes_max - 9, 'x')).empty());
  CHECK(refusal("http://a/" + std::string(network::url_bytes_max - 8, 'x')) == "is longer than 8192 bytes");
}

TEST_CASE("a reference is resolved as RFC 3986 says in its examples") {
  constexpr std::array<std::array<const char*, 2>, 24> examples{{
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q"},
      {"g#s", "http://a/b/c/g"},
      {"g?y#s", "http://a/b/c/g?y"},
      {";x", "http://a/b/c/;x"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g..", "http://a/b/c/g.."},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
  }};
  for (const auto& [reference, expected] : examples) CHECK(resolved("http://a/b/c/d;p?q", reference) == expected);
  CHECK(resolved("https://a/b", "//c:8/d") == "https://c:8/d");
  CHECK(resolved("https://a/b", "http://c") == "http://c/");
  CHECK(resolved("https://a/b", "mailto:x") == "does not begin with http:// or https://");
  CHECK(resolved("https://a/b", "/x y") == "has a character that must be percent-encoded");
}

TEST_CASE("a port is written where it is not the usual one of the scheme") {
  CHECK(network::write_authority(parse_url("http://a:80").value()) == "a");
  CHECK(network::write_authority(parse_url("http://a:443").value()) == "a:443");
  CHECK(network::write_origin(parse_url("https://[::1]:443/x").value()) == "https://[::1]");
  CHECK(network::write_without_query(parse_url("https://a/x?token=1").value()) == "https://a/x");
}

TEST_CASE("a text becomes one segment of a path") {
  CHECK(network::percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(network::percent_encoded("a/b?c&d=e f%\xff") == "a%2Fb%3Fc%26d%3De%20f%25%FF");
  CHECK(network::percent_encoded("").empty());
}
