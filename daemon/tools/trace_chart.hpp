#pragma once

#include <cstddef>
#include <string>

#include "tools/time_axis.hpp"
#include "tools/trace_rows.hpp"

namespace millrace::tools {

/// Further rows of a trace are counted, not drawn.
inline constexpr std::size_t drawn_rows_max = 60;

/// The rows of a trace as lanes, one below the other: a bar is a job, and its light part is time in which it waited.
struct lanes {
  static constexpr double row_height = 20;
  /// The names of the lanes stand left of the axis, in a column of this width.
  static constexpr double names_width = 170;

  /// The height of the lanes of this trace.
  [[nodiscard]] static double height(const trace_rows& trace);
  [[nodiscard]] static std::string draw(const trace_rows& trace, const time_axis& axis, double top);
};

/// An SVG drawing of a trace.
[[nodiscard]] std::string trace_chart(const trace_rows& trace, const std::string& title);
/// The same as a table: for each row its jobs, and how long it worked and waited.
[[nodiscard]] std::string trace_table(const trace_rows& trace);

}  // namespace millrace::tools
