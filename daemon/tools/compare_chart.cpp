#include "tools/compare_chart.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/utf8.hpp"
#include "tools/figures.hpp"
#include "tools/svg.hpp"
#include "tools/time_axis.hpp"
#include "tools/trace_chart.hpp"

namespace millrace::tools {
namespace {

using svg::box;
using svg::line;
using svg::text;

constexpr double width = 1000, margin = 20, top = 90;
constexpr double bars_height = 20;
constexpr double marks_height = 50;
constexpr double gap = 44;              ///< with the title of the next program
constexpr std::size_t labels_max = 40;  ///< more lines of one run are marked without their text
constexpr std::size_t label_bytes_max = 24;
constexpr double label_space = 11;  ///< between two labels that share a row
constexpr std::size_t order_bytes_max = 130;

/// A mark for each line. A label stands in the first of three rows that has space for it, or is left out.
std::string marks(const program_run& run, const time_axis& axis, double y) {
  std::string out;
  std::array<double, 3> free_from{};
  for (const auto& printed : run.lines) {
    const double x = axis.x(in_seconds(printed.at));
    out += line(x, y, x, y + 14, "class=\"mark\"");
    if (run.lines.size() > labels_max) continue;
    const std::string label{utf8_prefix(printed.text, label_bytes_max)};
    const double length = 6.2 * static_cast<double>(utf8_character_count(label));
    const double begin = std::clamp(x - length / 2, axis.left(), axis.right() - length);
    for (std::size_t row = 0; row < free_from.size(); ++row) {
      if (begin < free_from.at(row)) continue;
      out += text(begin, y + 27 + static_cast<double>(row) * 12, "class=\"label\"", label);
      free_from.at(row) = begin + length + label_space;
      break;
    }
  }
  return out;
}

/// The height of all that is drawn of a program.
double height_of(const contestant& one) {
  return bars_height + (one.trace ? lanes::height(*one.trace) + 20 : marks_height);
}

std::string row_of(const contestant& one, const time_axis& axis, double y) {
  const auto wall = spread_of(one, wall_seconds);
  const double cpu = spread_of(one, processor_seconds).median;
  std::string title = (one.is_mode() ? one.workload + ", " : std::string{}) + one.name + ": " +
                      seconds_in_short(wall.median) + ", processor time " + seconds_in_short(cpu);
  std::string out = text(margin, y, "class=\"name\"", title);
  out += box(axis.left(), y + 6, axis.x(wall.median) - axis.left(), 14, "class=\"wall\"");
  out += box(axis.left(), y + 10, axis.x(cpu) - axis.left(), 6, "class=\"cpu\"");
  if (!one.trace) return out + marks(one.runs.back(), axis, y + 6);
  out += lanes::draw(*one.trace, axis, y + 6 + bars_height);
  const auto order = order_of(one.runs.back());
  const auto shown = utf8_prefix(order, order_bytes_max);
  return out + text(margin, y + 18 + bars_height + lanes::height(*one.trace), "class=\"label\"",
                    "printed: " + std::string{shown} + (shown.size() < order.size() ? "…" : ""));
}

}  // namespace

std::string comparison_chart(std::span<const contestant> all) {
  double longest = 0;
  double bottom = top;
  for (const auto& one : all) {
    longest = std::max({longest, spread_of(one, wall_seconds).median, wall_seconds(one.runs.back()),
                        spread_of(one, processor_seconds).median});
    if (one.trace) longest = std::max(longest, one.trace->seconds);
    bottom += height_of(one) + gap;
  }
  const time_axis axis{longest, margin + lanes::names_width, width - margin};
  auto out =
      begin_timeline(width, bottom + 40, margin, "millrace compare", "The same work in different ways",
                     "wall time (light), processor time of all threads (dark); below, a lane for each worker with "
                     "its jobs, or a mark for each line");
  out += axis.grid(top - 6, bottom);
  double y = top + 14;
  for (const auto& one : all) {
    out += row_of(one, axis, y);
    y += height_of(one) + gap;
  }
  return out + "</svg>\n";
}

}  // namespace millrace::tools
