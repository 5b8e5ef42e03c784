#include "loop/thrown.hpp"

#include <boost/asio/error.hpp>

namespace millrace::loop {

bool is_cancellation(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::system::system_error& e) {
    return is_cancellation(e);
  } catch (...) {
    return false;
  }
}

bool is_cancellation(const boost::system::system_error& thrown) noexcept {
  return thrown.code() == boost::asio::error::operation_aborted;
}

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is no std::exception was thrown";
  }
}

}  // namespace millrace::loop
