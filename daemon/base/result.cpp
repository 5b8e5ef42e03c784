#include <millrace/base/result.hpp>
#include <stdexcept>

namespace millrace {

std::string_view name_of(errc code) noexcept {
  switch (code) {
    case errc::invalid:
      return "invalid";
    case errc::out_of_range:
      return "out of range";
    case errc::not_found:
      return "not found";
    case errc::refused:
      return "refused";
    case errc::cancelled:
      return "cancelled";
    case errc::timed_out:
      return "timed out";
    case errc::io:
      return "input or output failed";
    case errc::unsupported:
      return "unsupported";
    case errc::rejected:
      return "rejected";
  }
  return "unknown";
}

void throw_exception_from_error(const error& failure, const boost::source_location& location) {
  throw std::runtime_error{std::string{name_of(failure.code)} + ": " + failure.text + " (" + location.to_string() +
                           ")"};
}

}  // namespace millrace
