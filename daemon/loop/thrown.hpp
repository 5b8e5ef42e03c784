#pragma once

#include <exception>
#include <string>

#include <boost/system/system_error.hpp>

namespace millrace::loop {

/// True for `boost::system::system_error` with `operation_aborted`: what an await of a cancelled task throws. Code
/// outside the loop can throw the same, so whether a task was cancelled is a question for its cancellation state.
[[nodiscard]] bool is_cancellation(const std::exception_ptr& thrown);
[[nodiscard]] bool is_cancellation(const boost::system::system_error& thrown) noexcept;

/// `what()` of an exception, or a sentence for one that is no `std::exception`. Requires: `thrown` is not null.
[[nodiscard]] std::string text_of(const std::exception_ptr& thrown);

}  // namespace millrace::loop
