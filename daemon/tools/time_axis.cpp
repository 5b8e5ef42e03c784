#include "tools/time_axis.hpp"

#include <cmath>

#include "tools/figures.hpp"
#include "tools/svg.hpp"

namespace millrace::tools {

using svg::box;
using svg::line;
using svg::number;
using svg::text;

namespace {

/// Seconds between two marks of the axis: 1, 2 or 5 of a decade, about ten marks.
double step_of(double longest) {
  const double decade = std::pow(10.0, std::floor(std::log10(longest / 10)));
  for (const double step : {1.0, 2.0, 5.0})
    if (decade * step * 10 >= longest) return decade * step;
  return decade * 10;
}

}  // namespace

std::string time_axis::grid(double top, double bottom) const {
  std::string out;
  const double step = step_of(longest_);
  for (int n = 0; n * step <= longest_ * 1.0001; ++n) {
    const double at = x(n * step);
    out += line(at, top, at, bottom, "class=\"grid\"") +
           text(at, bottom + 18, "class=\"tick\" text-anchor=\"middle\"", n == 0 ? "0" : seconds_in_short(n * step));
  }
  return out;
}

std::string begin_timeline(double width, double height, double left, std::string_view title, std::string_view heading,
                           std::string_view subtitle) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" width=\"" + number(width) + "\" height=\"" + number(height) +
         "\" role=\"img\" font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\">\n"
         "<style>.grid{stroke:#d4d9df;stroke-width:1}.tick{font-size:12px;fill:#4a5462}"
         ".label{font-size:10px;fill:#4a5462}.name{font-size:13px;fill:#1f2933}"
         ".title{font-size:18px;font-weight:bold;fill:#1f2933}.subtitle{font-size:13px;fill:#4a5462}"
         ".wall{fill:#b9d4f1}.cpu{fill:#0b6bcb}.mark{stroke:#d9570a;stroke-width:2}"
         ".lane{font-size:11px;fill:#1f2933}.work{fill:#0b6bcb}.offload{fill:#12805c}.bad{fill:#c0392b}"
         ".wait{fill:#b9d4f1}.inside{font-size:10px;fill:#1f2933;stroke:#ffffff;stroke-width:2.5px;paint-order:stroke}<"
         "/style>\n<title>" +
         svg::escaped(title) + "</title>\n" + box(0, 0, width, height, "fill=\"#ffffff\"") +
         text(left, 34, "class=\"title\"", heading) + text(left, 56, "class=\"subtitle\"", subtitle);
}

}  // namespace millrace::tools
