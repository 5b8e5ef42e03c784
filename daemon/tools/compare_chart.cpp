#include "tools/compare_chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/utf8.hpp"
#include "tools/figures.hpp"
#include "tools/svg.hpp"

namespace millrace::tools {
namespace {

using svg::box;
using svg::line;
using svg::number;
using svg::text;

constexpr double width = 960, left = 40, right = 920, top = 90;
constexpr double row_height = 84;
constexpr std::size_t labels_max = 40;  ///< more lines of one run are marked without their text
constexpr std::size_t label_bytes_max = 24;
constexpr double label_space = 11;  ///< between two labels that share a row

/// Seconds between two marks of the axis: 1, 2 or 5 of a decade, about ten marks.
double step_of(double longest) {
  const double decade = std::pow(10.0, std::floor(std::log10(longest / 10)));
  for (const double step : {1.0, 2.0, 5.0})
    if (decade * step * 10 >= longest) return decade * step;
  return decade * 10;
}

class time_axis {
 public:
  explicit time_axis(double longest) : longest_{std::max(longest, 1e-6)} {}
  [[nodiscard]] double x(double at) const { return left + (right - left) * std::min(at, longest_) / longest_; }

  [[nodiscard]] std::string grid(double bottom) const {
    std::string out;
    const double step = step_of(longest_);
    for (int n = 0; n * step <= longest_ * 1.0001; ++n) {
      const double at = x(n * step);
      out += line(at, top - 6, at, bottom, "class=\"grid\"") +
             text(at, bottom + 18, "class=\"tick\" text-anchor=\"middle\"", n == 0 ? "0" : seconds_in_short(n * step));
    }
    return out;
  }

 private:
  double longest_;
};

/// A mark for each line. Labels alternate between three heights, and one without room is left out.
std::string marks(const program_run& run, const time_axis& axis, double y) {
  std::string out;
  std::array<double, 3> free_from{};
  for (const auto& printed : run.lines) {
    const double x = axis.x(in_seconds(printed.at));
    out += line(x, y, x, y + 14, "class=\"mark\"");
    if (run.lines.size() > labels_max) continue;
    const std::string label{utf8_prefix(printed.text, label_bytes_max)};
    const double length = 6.2 * static_cast<double>(utf8_character_count(label));
    const double begin = std::clamp(x - length / 2, left, right - length);
    for (std::size_t row = 0; row < free_from.size(); ++row) {
      if (begin < free_from.at(row)) continue;
      out += text(begin, y + 27 + static_cast<double>(row) * 12, "class=\"label\"", label);
      free_from.at(row) = begin + length + label_space;
      break;
    }
  }
  return out;
}

std::string row_of(const contestant& one, const time_axis& axis, double y) {
  const auto wall = spread_of(one, wall_seconds);
  const double cpu = spread_of(one, processor_seconds).median;
  std::string title = (one.is_mode() ? one.workload + ", " : std::string{}) + one.name + ": " +
                      seconds_in_short(wall.median) + ", processor time " + seconds_in_short(cpu);
  std::string out = text(left, y, "class=\"name\"", title);
  out += box(left, y + 6, axis.x(wall.median) - left, 14, "class=\"wall\"");
  out += box(left, y + 10, axis.x(cpu) - left, 6, "class=\"cpu\"");
  return out + marks(one.runs.back(), axis, y + 6);
}

}  // namespace

std::string comparison_chart(std::span<const contestant> all) {
  double longest = 0;
  for (const auto& one : all)
    longest = std::max({longest, spread_of(one, wall_seconds).median, wall_seconds(one.runs.back()),
                        spread_of(one, processor_seconds).median});
  const time_axis axis{longest};
  const double bottom = top + row_height * static_cast<double>(all.size());
  const double height = bottom + 40;
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " + number(height) +
                    "\" width=\"" + number(width) + "\" height=\"" + number(height) +
                    "\" role=\"img\" font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\">\n"
                    "<style>.grid{stroke:#d4d9df;stroke-width:1}.tick{font-size:12px;fill:#4a5462}"
                    ".label{font-size:10px;fill:#4a5462}.name{font-size:13px;fill:#1f2933}"
                    ".title{font-size:18px;font-weight:bold;fill:#1f2933}.subtitle{font-size:13px;fill:#4a5462}"
                    ".wall{fill:#b9d4f1}.cpu{fill:#0b6bcb}.mark{stroke:#d9570a;stroke-width:2}</style>\n";
  out += "<title>millrace compare</title>\n" + box(0, 0, width, height, "fill=\"#ffffff\"");
  out += text(left, 34, "class=\"title\"", "The same work in different ways");
  out += text(left, 56, "class=\"subtitle\"",
              "wall time (light), processor time of all threads (dark), and each line when it was printed (marks)");
  out += axis.grid(bottom);
  for (std::size_t n = 0; n < all.size(); ++n)
    out += row_of(all[n], axis, top + 14 + row_height * static_cast<double>(n));
  return out + "</svg>\n";
}

}  // namespace millrace::tools
