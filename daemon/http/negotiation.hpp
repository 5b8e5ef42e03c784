#pragma once

#include <string_view>

namespace millrace::http {

/// What a client prefers, read from its headers `Accept` and `Accept-Encoding` (RFC 9110, 12.4 and 12.5). Weights are
/// thousandths, 0 to 1000; 0 means that the client does not want it. An element that is malformed counts as absent, so
/// a client that sends nonsense gets the default, never an error.

/// The weight of `type/subtype` by the most specific element that matches it: the type itself, `type/*`, or `*/*`. An
/// element with the parameter `version` matches only `version`. 0 without a match; 1000 for an empty list.
[[nodiscard]] unsigned weight_of_type(std::string_view accept, std::string_view type, std::string_view version);

/// Whether the client names the type, or `type/*`, with a weight that is not 0: `*/*` alone is no wish for it.
[[nodiscard]] bool names_type(std::string_view accept, std::string_view type, std::string_view version);

/// Whether the answer is compressed: `gzip`, `x-gzip` or `*` has a weight that is not 0 and not below `identity`'s.
[[nodiscard]] bool prefers_gzip(std::string_view accept_encoding);

}  // namespace millrace::http
