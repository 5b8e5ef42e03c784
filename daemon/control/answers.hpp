#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <boost/assert/source_location.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <boost/system/result.hpp>
#include <millrace/base/time.hpp>

#include "http/routes.hpp"

/// The JSON of the control API: answers, errors, and the parts of a request.
namespace millrace::control {

/// Why a request is refused. Sent as `{"error": {"code": …, "message": …, "where": …}}`.
struct refusal {
  unsigned status{400};
  std::string_view code;  ///< for programs: a literal
  std::string message;    ///< a sentence for people
  std::string part;       ///< the part of the request: `path`, `body.states`, `query.wait`; empty: none

  refusal() = default;
  refusal(unsigned with_status, std::string_view with_code, std::string sentence, std::string of_part = {})
      : status{with_status}, code{with_code}, message{std::move(sentence)}, part{std::move(of_part)} {}
};

[[nodiscard]] http::response json_answer(unsigned status, const boost::json::value& content);
/// An answer whose content is JSON text already, as `json_text` writes it.
[[nodiscard]] http::response json_text_answer(unsigned status, std::string text);
/// `content` as JSON in UTF-8.
[[nodiscard]] std::string json_text(const boost::json::value& content);
[[nodiscard]] http::response refuse(const refusal& reason);

/// A value, or the reason why the request is refused.
template <class T>
using checked = boost::system::result<T, refusal>;
[[noreturn]] void throw_exception_from_error(const refusal& reason, const boost::source_location& location);

/// The JSON object in the body of a request; an empty body is an empty object. Refuses other JSON, and keys that are
/// not in `keys`, which are separated by blanks.
[[nodiscard]] checked<boost::json::object> body_of(const http::request& request, std::string_view keys);

/// The values of `key=value&key=value`.
class query {
 public:
  /// Refuses keys that are not in `keys`, which are separated by blanks, and a key that comes twice.
  [[nodiscard]] static checked<query> of(const http::request& request, std::string_view keys);

  [[nodiscard]] const std::string* find(std::string_view key) const;
  /// A number from `least` to `most`; `otherwise` if the key is not there.
  [[nodiscard]] checked<std::uint64_t> number(std::string_view key, std::uint64_t least, std::uint64_t most,
                                              std::uint64_t otherwise) const;
  /// `1` or `true`, `0` or `false`; false if the key is not there.
  [[nodiscard]] checked<bool> flag(std::string_view key) const;
  /// A duration of at most `most`; zero if the key is not there.
  [[nodiscard]] checked<duration> length(std::string_view key, duration most) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// Null for an empty text.
[[nodiscard]] boost::json::value text_or_null(const std::string& text);
/// The seconds since `begin`; null if it is `never`.
[[nodiscard]] boost::json::value seconds_since(instant begin, instant now);

}  // namespace millrace::control
