#include "network/url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include <boost/asio/ip/address.hpp>

namespace millrace::network {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

std::string lower(std::string_view text) {
  std::string all{text};
  std::transform(all.begin(), all.end(), all.begin(), [](char letter) { return lower(letter); });
  return all;
}

bool is_printable(char letter) { return letter > ' ' && letter < '\x7f'; }

/// Letters, digits and the marks of host names, `_` included, which is in use.
bool is_host_name(std::string_view text) {
  const auto is_allowed = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' ||
           letter == '_';
  };
  constexpr std::size_t host_bytes_max = 253;
  return !text.empty() && text.size() <= host_bytes_max && std::all_of(text.begin(), text.end(), is_allowed);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failure != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

/// Reads `host`, `host:port`, `[::1]` and `[::1]:port`.
result<> parse_authority(std::string_view text, url& into) {
  if (text.find('@') != std::string_view::npos) return invalid("has a user or a password: use a header");
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return invalid("has a `[` without a `]`");
    into.host = lower(text.substr(1, end - 1));
    boost::system::error_code failure;
    boost::asio::ip::make_address_v6(into.host, failure);
    if (failure) return invalid("has no IPv6 address between `[` and `]`");
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return invalid("has text between `]` and the path");
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const auto colon = text.find(':');
    into.host = lower(text.substr(0, colon));
    if (!is_host_name(into.host)) return invalid("has no host name that can be used");
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  into.port = into.is_secure ? https_port : http_port;
  if (port.empty()) return {};
  const auto number = parse_port(port);
  if (!number) return invalid("has no port from 1 to 65535 behind the host");
  into.port = *number;
  return {};
}

/// Section 5.2.4: without `.` and `..`.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> names;
  bool ends_with_slash = false;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    ends_with_slash = path.empty() && (name == "." || name == "..");
    if (name == "..") {
      if (!names.empty()) names.pop_back();
    } else if (name != ".") {
      names.push_back(name);
    }
  }
  std::string joined;
  for (const auto name : names) (joined += '/') += name;
  if (ends_with_slash || joined.empty()) joined += '/';
  return joined;
}

result<> check_characters(std::string_view text) {
  if (text.size() > url_bytes_max) return invalid("is longer than " + std::to_string(url_bytes_max) + " bytes");
  if (!std::all_of(text.begin(), text.end(), is_printable))
    return invalid("has a character that must be percent-encoded");
  return {};
}

std::string_view without_fragment(std::string_view text) { return text.substr(0, text.find('#')); }

}  // namespace

result<url> parse_url(std::string_view text) {
  if (const auto checked = check_characters(text); !checked) return checked.error();
  url parsed;
  const auto scheme = lower(text.substr(0, text.find("://")));
  if (scheme == "https") {
    parsed.is_secure = true;
  } else if (scheme != "http" || text.size() == scheme.size()) {
    return invalid("does not begin with http:// or https://");
  }
  text = without_fragment(text.substr(scheme.size() + std::string_view{"://"}.size()));
  const auto authority = text.substr(0, text.find_first_of("/?"));
  if (const auto read = parse_authority(authority, parsed); !read) return read.error();
  text.remove_prefix(authority.size());
  parsed.target = text.starts_with('/') ? std::string{text} : "/" + std::string{text};
  return parsed;
}

result<url> resolve_reference(const url& base, std::string_view reference) {
  if (const auto checked = check_characters(reference); !checked) return checked.error();
  reference = without_fragment(reference);
  const std::string scheme = base.is_secure ? "https:" : "http:";
  if (reference.starts_with("//")) return parse_url(scheme + std::string{reference});
  // A scheme ends with the first colon, which stands before any slash.
  const auto end = reference.find_first_of(":/?");
  if (end != std::string_view::npos && reference[end] == ':') return parse_url(reference);
  url resolved = base;
  const std::string_view base_path = std::string_view{base.target}.substr(0, base.target.find('?'));
  if (reference.empty()) return resolved;
  if (reference.front() == '?') {
    resolved.target = std::string{base_path} + std::string{reference};
    return resolved;
  }
  const auto path = reference.substr(0, reference.find('?'));
  const auto whole = path.starts_with('/')
                         ? std::string{path}
                         : std::string{base_path.substr(0, base_path.rfind('/') + 1)} + std::string{path};
  resolved.target = without_dots(whole) + std::string{reference.substr(path.size())};
  return resolved;
}

std::string write_authority(const url& location) {
  std::string text = location.host.find(':') == std::string::npos ? location.host : "[" + location.host + "]";
  if (location.port != (location.is_secure ? https_port : http_port)) text += ":" + std::to_string(location.port);
  return text;
}

std::string write_origin(const url& location) {
  return (location.is_secure ? "https://" : "http://") + write_authority(location);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char each : text) {
    if (plain.find(each) != std::string_view::npos) {
      encoded += each;
      continue;
    }
    const auto code = static_cast<unsigned char>(each);
    encoded += '%';
    encoded += digits[code >> 4u];
    encoded += digits[code & 15u];
  }
  return encoded;
}

std::string write_without_query(const url& location) {
  return write_origin(location) + location.target.substr(0, location.target.find('?'));
}

}  // namespace millrace::network
