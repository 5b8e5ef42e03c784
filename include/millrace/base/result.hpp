#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace millrace {

/// The kind of a failure, for programs. The text for users is in `error`.
enum class errc {
  invalid,       ///< the input cannot be understood
  out_of_range,  ///< the input is beyond a named limit
  not_found,     ///< the named object does not exist
  refused,       ///< a limit or the present state does not allow it
  cancelled,     ///< the caller has withdrawn, or the program stops
  timed_out,     ///< the time limit has passed
  io,            ///< an error of the operating system
  unsupported,   ///< the operation or the format is not supported
  rejected,      ///< the input itself is wrong, so that another attempt with it is useless
};

[[nodiscard]] std::string_view name_of(errc code) noexcept;

/// A failure as a value: a code for programs and a sentence for users (one line, lower case, no full stop).
struct error {
  errc code{errc::invalid};
  std::string text;

  friend bool operator==(const error&, const error&) = default;
  /// For `boost::system::result` and the messages of failed tests.
  template <class Stream>
  friend Stream& operator<<(Stream& out, const error& failure) {
    out << failure.text;
    return out;
  }
};

/// A value or an error. Expected failures are values; an exception means a bug or a failed construction.
template <class T = void>
using result = boost::system::result<T, error>;

[[nodiscard]] inline error invalid(std::string text) { return {errc::invalid, std::move(text)}; }
/// Of a handler: fails its job for good.
[[nodiscard]] inline error rejected(std::string text) { return {errc::rejected, std::move(text)}; }

/// Called by `result::value()` of a failed result. Throws std::runtime_error with the text.
[[noreturn]] void throw_exception_from_error(const error& failure, const boost::source_location& location);

}  // namespace millrace
