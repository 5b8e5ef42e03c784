#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace millrace::tools {

/// A horizontal axis of time, from 0 to `longest` seconds, between two coordinates of a drawing.
class time_axis {
 public:
  time_axis(double longest, double left, double right)
      : longest_{std::max(longest, 1e-6)}, left_{left}, right_{right} {}

  [[nodiscard]] double x(double at) const { return left_ + (right_ - left_) * std::clamp(at / longest_, 0.0, 1.0); }
  [[nodiscard]] double left() const noexcept { return left_; }
  [[nodiscard]] double right() const noexcept { return right_; }
  /// Lines with their times below, in classes `grid` and `tick`.
  [[nodiscard]] std::string grid(double top, double bottom) const;

 private:
  double longest_;
  double left_, right_;
};

/// The beginning of a drawing over such an axis: its size, a white ground, the looks of its classes, and its titles.
[[nodiscard]] std::string begin_timeline(double width, double height, double left, std::string_view title,
                                         std::string_view heading, std::string_view subtitle);

}  // namespace millrace::tools
