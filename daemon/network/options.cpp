#include "network/options.hpp"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace millrace::network {

namespace {

/// The path in a sockaddr_un has 108 bytes, the terminating zero included.
constexpr std::size_t unix_path_bytes_max = 107;
/// The longest name that DNS knows.
constexpr std::size_t host_bytes_max = 253;

error wrong(std::string_view text, std::string_view problem) {
  return invalid("`" + std::string{text.substr(0, host_bytes_max)} + "` " + std::string{problem});
}

bool has_blank_or_control(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') return true;
  }
  return false;
}

result<address> parse_unix(std::string_view text, std::string_view path) {
  if (path.empty()) return wrong(text, "names no path");
  if (path.size() > unix_path_bytes_max || path.find('\0') != std::string_view::npos)
    return wrong(text, "is no path of at most " + std::to_string(unix_path_bytes_max) + " bytes");
  return address{.host = {}, .port = 0, .unix_path = std::string{path}};
}

}  // namespace

result<address> parse_address(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) return parse_unix(text, text.substr(unix_prefix.size()));

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong(text, "names no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos &&
        host.find('%') == std::string_view::npos)
      return wrong(text, "has no IPv6 address between its brackets");
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return wrong(text, "is unclear: an IPv6 address stands in brackets");
  }
  if (host.empty()) return wrong(text, "names no host: 0.0.0.0 or [::] opens it to all");
  if (host.size() > host_bytes_max || has_blank_or_control(host)) return wrong(text, "names no possible host");

  address out{.host = std::string{host}, .port = 0, .unix_path = {}};
  const char* const end = port_text.data() + port_text.size();
  const auto [stop, code] = std::from_chars(port_text.data(), end, out.port);
  if (port_text.empty() || stop != end || code != std::errc{}) return wrong(text, "has no port from 0 to 65535");
  return out;
}

result<address> parse_listen_address(std::string_view text) {
  auto parsed = parse_address(text);
  if (!parsed || !parsed->unix_path.empty() || parsed->host == "localhost") return parsed;
  boost::system::error_code failure;
  boost::asio::ip::make_address(parsed->host, failure);
  if (failure) return wrong(text, "has a host that is neither an address in numbers nor localhost");
  return parsed;
}

std::string write_address(const address& target) {
  if (!target.unix_path.empty()) return "unix:" + target.unix_path;
  const bool bare_ipv6 = target.host.find(':') != std::string::npos;
  return (bare_ipv6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

}  // namespace millrace::network
