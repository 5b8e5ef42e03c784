#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace millrace {

/// Why something expected to be possible was not done. The text belongs to an `error`; the code is for programs.
enum class errc {
  invalid,       ///< the input does not mean anything
  out_of_range,  ///< it means something, but beyond a named limit
  not_found,     ///< what it names is not there
  refused,       ///< a limit or a state does not allow it now
  cancelled,     ///< whoever asked has withdrawn, or the program stops
  timed_out,     ///< the time for it ran out
  io,            ///< the operating system said no
  unsupported,   ///< planned, not here yet, or not possible in this place
};

[[nodiscard]] std::string_view name_of(errc code) noexcept;

/// A failure as a value: a code for programs and a sentence for people (no newline, no full stop, starts in lower case).
struct error {
  errc code{errc::invalid};
  std::string text;

  friend bool operator==(const error&, const error&) = default;
  /// What a failed test shows; `boost::system::result` prints itself with it.
  template <class Stream>
  friend Stream& operator<<(Stream& out, const error& what) {
    out << what.text;
    return out;
  }
};

/// A value or the reason why there is none. Expected failure is a value; exceptions mean bugs or failed construction.
template <class T = void>
using result = boost::system::result<T, error>;

[[nodiscard]] inline error invalid(std::string text) { return {errc::invalid, std::move(text)}; }

/// Found by `result::value()` of a failed result: throws std::runtime_error with the text.
[[noreturn]] void throw_exception_from_error(const error& failure, const boost::source_location& where);

}  // namespace millrace
