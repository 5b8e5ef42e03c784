#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

namespace millrace::network {

/// The parts of an absolute URL of HTTP.
struct url {
  bool is_secure{false};  ///< https
  std::string host;       ///< in lower case; an IPv6 address is without brackets
  std::uint16_t port{80};
  std::string target{"/"};  ///< path and query, as they are sent; begins with `/`

  friend bool operator==(const url&, const url&) = default;
};

inline constexpr std::size_t url_bytes_max = std::size_t{8} * 1024;

/// Reads `http://` and `https://` URLs (RFC 3986). All characters must be printable ASCII without a space. A fragment
/// is dropped. A user or a password is refused: credentials belong in a header.
[[nodiscard]] result<url> parse_url(std::string_view text);
/// The URL that `reference`, a relative or absolute one, means on the page `base` (RFC 3986, section 5.2).
[[nodiscard]] result<url> resolve_reference(const url& base, std::string_view reference);
/// Host and port as in a `Host` header: without the port that is usual for the scheme.
[[nodiscard]] std::string write_authority(const url& location);
/// `https://host:port`: what two URLs have in common that may share connections and headers.
[[nodiscard]] std::string write_origin(const url& location);
/// `text` as one segment of a path or one value of a query: all bytes but letters, digits and `-._~` as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);
/// For messages: without the query, which may hold secrets.
[[nodiscard]] std::string write_without_query(const url& location);

}  // namespace millrace::network
