#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "http/request_head.hpp"

/// Why requests are refused, and the codes under which they are counted.
namespace millrace::http {

inline constexpr std::string_view bad_request = "bad_request";
inline constexpr std::string_view header_too_large = "header_too_large";
inline constexpr std::string_view body_too_large = "body_too_large";
inline constexpr std::string_view not_implemented = "not_implemented";
inline constexpr std::string_view too_slow = "too_slow";  ///< disconnected without an answer
inline constexpr std::string_view refusal_codes[] = {bad_request, header_too_large, body_too_large, not_implemented,
                                                     too_slow};

struct refusal {
  unsigned status{400};
  std::string_view code;
  std::string message;  ///< a sentence for people
};

/// Requires: the head is refused.
[[nodiscard]] refusal refusal_of(const request_head& head);
/// The answer to a failed read. nullopt if the client has disconnected.
[[nodiscard]] std::optional<refusal> refusal_of(const boost::system::error_code& failure);

}  // namespace millrace::http
