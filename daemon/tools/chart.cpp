#include "tools/chart.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <string_view>
#include <vector>

#include "tools/figures.hpp"
#include "tools/svg.hpp"

namespace millrace::tools {
namespace {

using svg::escaped;
using svg::line;
using svg::number;
using svg::text;

constexpr double width = 960, height = 600;
constexpr double left = 92, right = 912, top = 150, bottom = 528;
/// The legend is above the curves, because a curve can reach every corner of the chart.
constexpr double legend_y = 100;
constexpr int points_a_nine = 60;
/// Also people who cannot tell red from green see the difference.
constexpr std::array<std::string_view, 2> colours{"#0b6bcb", "#d9570a"};

/// The share with so many nines: 0 %, 90 %, 99 %, 99.9 % …
std::string percent(int nines) {
  if (nines == 0) return "0%";
  if (nines == 1) return "90%";
  return nines == 2 ? "99%" : "99." + std::string(static_cast<std::size_t>(nines - 2), '9') + "%";
}

/// The axes: maps shares and durations to coordinates.
class scale {
 public:
  explicit scale(std::span<const chart_curve> curves) {
    double least = 1e18, most = 1;
    for (const auto& curve : curves) {
      // As many nines as the number of values can resolve.
      nines_ = std::max(nines_, std::log10(static_cast<double>(curve.measured->count())));
      least = std::min(least, static_cast<double>(curve.measured->quantile(0).count()));
      most = std::max(most, static_cast<double>(curve.measured->max().count()));
    }
    nines_ = std::max(nines_, 1.0);
    floor_ = rounded(std::max(least, 1.0), false);
    ceiling_ = rounded(std::max(most, least * 1.01), true);
    if (ceiling_ <= floor_) ceiling_ = floor_ * 10;
  }

  [[nodiscard]] double x(double nines) const { return left + (right - left) * nines / nines_; }
  [[nodiscard]] double y(double ns) const {
    const double part = std::log(ns / floor_) / std::log(ceiling_ / floor_);
    return bottom - (bottom - top) * std::clamp(part, 0.0, 1.0);
  }
  [[nodiscard]] double nines() const { return nines_; }
  [[nodiscard]] double floor() const { return floor_; }
  [[nodiscard]] double ceiling() const { return ceiling_; }
  [[nodiscard]] double decades() const { return std::log10(ceiling_ / floor_); }

 private:
  /// Rounds to 1, 2 or 5 of a decade.
  static double rounded(double value, bool up) {
    const double decade = std::pow(10.0, std::floor(std::log10(value)));
    double below = decade;
    for (const double step : {1.0, 2.0, 5.0, 10.0}) {
      if (up && decade * step >= value * 0.9999) return decade * step;
      if (decade * step <= value * 1.0001) below = decade * step;
    }
    return below;
  }

  double nines_{0};
  double floor_{1};
  double ceiling_{10};
};

std::string grid(const scale& axes) {
  std::string out;
  const auto column = [&](double nines, const std::string& name) {
    const double x = axes.x(nines);
    out +=
        line(x, top, x, bottom, "class=\"grid\"") + text(x, bottom + 20, "class=\"tick\" text-anchor=\"middle\"", name);
  };
  column(0, percent(0));
  column(std::log10(2.0), "50%");
  for (int nines = 1; nines <= axes.nines() + 1e-9; ++nines) column(nines, percent(nines));
  const auto power_of = [](double ns) { return static_cast<int>(std::floor(std::log10(ns) + 1e-9)); };
  for (int power = power_of(axes.floor()); power <= power_of(axes.ceiling()); ++power) {
    const double decade = std::pow(10.0, power);
    for (const double step : {1.0, 2.0, 5.0}) {
      const double ns = decade * step;
      if (ns < axes.floor() * 0.999 || ns > axes.ceiling() * 1.001) continue;
      const double y = axes.y(ns);
      const bool named = step == 1.0 || axes.decades() <= 3.0;
      out += line(left, y, right, y, step == 1.0 ? "class=\"grid\"" : "class=\"fine\"");
      if (!named) continue;
      const auto length = duration{static_cast<duration::rep>(std::llround(ns))};
      out += text(left - 10, y + 4, "class=\"tick\" text-anchor=\"end\"", in_short(length));
    }
  }
  return out;
}

std::string path_of(const latencies& measured, const scale& axes, std::string_view colour) {
  const double end = std::log10(std::max<double>(2, static_cast<double>(measured.count())));
  const int points = static_cast<int>(std::ceil(end * points_a_nine));
  std::string path;
  for (int at = 0; at <= points; ++at) {
    const double nines = end * at / points;
    const double share = at == points ? 1 : 1 - std::pow(10.0, -nines);
    const double ns = std::max(1.0, static_cast<double>(measured.quantile(share).count()));
    path += (path.empty() ? "M" : " L") + number(axes.x(nines)) + " " + number(axes.y(ns));
  }
  const double last = static_cast<double>(measured.max().count());
  return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + std::string{colour} +
         "\" stroke-width=\"2.2\" stroke-linejoin=\"round\"/>\n<circle cx=\"" + number(axes.x(end)) + "\" cy=\"" +
         number(axes.y(std::max(1.0, last))) + "\" r=\"3.5\" fill=\"" + std::string{colour} + "\"/>\n";
}

/// The entries of the curves, side by side.
std::string legend(std::span<const chart_curve> curves) {
  std::string out;
  for (std::size_t at = 0; at < curves.size(); ++at) {
    const double x = at == 0 ? left : (left + right) / 2;
    const auto& measured = *curves[at].measured;
    out +=
        line(x, legend_y - 4, x + 26, legend_y - 4, "stroke=\"" + std::string{colours[at]} + "\" stroke-width=\"3\"");
    out += text(x + 34, legend_y, "class=\"name\"", curves[at].name);
    out += text(x + 34, legend_y + 17, "class=\"tick\"",
                "p50 " + in_short(measured.quantile(0.5)) + ", p99 " + in_short(measured.quantile(0.99)) + ", p99.9 " +
                    in_short(measured.quantile(0.999)) + ", max " + in_short(measured.max()));
  }
  return out;
}

}  // namespace

std::string chart_of(const std::string& title, const std::string& subtitle, std::span<const chart_curve> curves) {
  assert(!curves.empty() && curves.size() <= colours.size());
  const scale axes{curves};
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 600\" width=\"960\" height=\"600\" role=\"img\" "
      "font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\">\n"
      "<style>.grid{stroke:#d4d9df;stroke-width:1}.fine{stroke:#eceff2;stroke-width:1}.tick{font-size:12px;fill:#"
      "4a5462}"
      ".axis{font-size:13px;fill:#1f2933}.title{font-size:18px;font-weight:bold;fill:#1f2933}"
      ".subtitle{font-size:13px;fill:#4a5462}.name{font-size:13px;fill:#1f2933}</style>\n";
  out += "<title>" + escaped(title) + "</title>\n";
  out += "<rect width=\"" + number(width) + "\" height=\"" + number(height) + "\" fill=\"#ffffff\"/>\n";
  out += text(left, 40, "class=\"title\"", title) + text(left, 64, "class=\"subtitle\"", subtitle);
  out += grid(axes);
  for (std::size_t at = 0; at < curves.size(); ++at) out += path_of(*curves[at].measured, axes, colours[at]);
  out += legend(curves);
  out += text((left + right) / 2, bottom + 52, "class=\"axis\" text-anchor=\"middle\"",
              "share of all that were at most as slow (a nine more with each step)");
  out += text(0, 0, "class=\"axis\" text-anchor=\"middle\" transform=\"translate(24 339) rotate(-90)\"",
              "latency (log scale)");
  return out + "</svg>\n";
}

}  // namespace millrace::tools
