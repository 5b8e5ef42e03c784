#pragma once

#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// A second base of waiting handlers that need time after their cancellation, like one that ends a command. Their slot
/// counts as stuck that much later. A part of its handler; loop thread only.
class slow_cancellation {
 public:
  virtual ~slow_cancellation() = default;
  /// The longest time from the cancellation to the end of the attempt. Constant.
  [[nodiscard]] virtual duration cancellation_length() const noexcept = 0;
};

}  // namespace millrace::handlers
