#include "tools/trace_chart.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "tools/control_tables.hpp"
#include "tools/figures.hpp"
#include "tools/svg.hpp"

namespace millrace::tools {
namespace {

using svg::box;
using svg::text;

constexpr double width = 1000, margin = 20, top = 84;
constexpr double bar_height = 14;
constexpr double letter_width = 6.2;  ///< of the labels, about
constexpr double thinnest = 0.7;      ///< shorter bars are drawn so wide
constexpr double width_for_tip = 2;
constexpr std::size_t name_bytes_max = 26;

std::string shortened(std::string_view words, double space) {
  const auto letters = static_cast<std::size_t>(std::max(space / letter_width, 0.0));
  if (utf8_character_count(words) <= letters) return std::string{words};
  std::string cut;
  for (std::size_t n = 0; n + 1 < letters; ++n) {
    const auto length = std::max<std::size_t>(utf8_length(words), 1);
    cut += words.substr(0, length);
    words.remove_prefix(length);
  }
  return letters < 3 ? std::string{} : cut + "…";
}

/// What says more than fits into a name, shown by browsers when the mouse rests there.
std::string tip(const trace_bar& bar) {
  std::string words = bar.name + ": " + seconds_in_short(bar.length) + ", from " + seconds_in_short(bar.begin);
  if (!bar.outcome.empty()) words += ", " + bar.outcome;
  return "<title>" + svg::escaped(words) + "</title>";
}

std::string with_tip(const std::string& shape, const trace_bar& bar) {
  const auto end = shape.rfind("/>");
  return shape.substr(0, end) + '>' + tip(bar) + "</rect>\n";
}

class lane_drawing {
 public:
  lane_drawing(const trace_row& row, const time_axis& axis, double y) : row_{row}, axis_{axis}, y_{y} {}

  std::string draw() {
    std::string out = text(margin, y_ + 11, "class=\"lane\"", utf8_prefix(row_.name, name_bytes_max));
    const trace_bar* work = nullptr;
    for (const auto& bar : row_.bars) {
      if (bar.type != trace_bar::kind::wait) {
        work = &bar;
        out += draw_work(bar);
      } else if (work != nullptr && bar.begin < work->begin + work->length) {
        out += draw_wait(bar, *work);
      }
    }
    return out + labels_;
  }

 private:
  std::string draw_work(const trace_bar& bar) {
    const double x = axis_.x(bar.begin);
    const double end = std::max(axis_.x(bar.begin + bar.length), x + thinnest);
    // Of many short jobs, only those that can be seen.
    if (end <= drawn_until_ + thinnest) return {};
    drawn_until_ = end;
    const bool is_good = bar.outcome.empty() || bar.outcome == "ok" || bar.outcome == "unfinished";
    const auto* const look = !is_good                ? "class=\"bad\""
                             : row_.group == "tasks" ? "class=\"work\""
                                                     : "class=\"offload\"";
    waited_ = axis_.x(bar.begin);
    const auto label = shortened(bar.name, end - x - 6);
    if (!label.empty()) labels_ += text(x + 4, y_ + 11, "class=\"inside\"", label);
    const auto shape = box(x, y_, end - x, bar_height, look);
    return end - x < width_for_tip ? shape : with_tip(shape, bar);
  }

  std::string draw_wait(const trace_bar& bar, const trace_bar& work) {
    const double x = std::max(axis_.x(bar.begin), waited_);
    const double end = std::min(axis_.x(bar.begin + bar.length), axis_.x(work.begin + work.length));
    // The edge of the bar stays dark, so that a job that only waits can be distinguished from the next one.
    constexpr double edge = 1;
    if (end - x < thinnest + 2 * edge) return {};
    waited_ = end;
    return with_tip(box(x + edge, y_ + edge, end - x - 2 * edge, bar_height - 2 * edge, "class=\"wait\""), bar);
  }

  const trace_row& row_;
  const time_axis& axis_;
  double y_;
  double drawn_until_{-1};
  double waited_{0};
  std::string labels_;
};

std::string notes_of(const trace_rows& trace) {
  std::string words;
  for (const auto& note : trace.notes) words += (words.empty() ? "" : "; ") + note;
  if (trace.cut_off) words += words.empty() ? "the end is missing" : "; the end is missing";
  return words;
}

}  // namespace

double lanes::height(const trace_rows& trace) {
  const auto drawn = std::min(trace.rows.size(), drawn_rows_max);
  return row_height * static_cast<double>(drawn + (trace.rows.size() > drawn ? 1 : 0));
}

std::string lanes::draw(const trace_rows& trace, const time_axis& axis, double first) {
  std::string out;
  double y = first;
  for (std::size_t n = 0; n < std::min(trace.rows.size(), drawn_rows_max); ++n, y += row_height)
    out += lane_drawing{trace.rows[n], axis, y}.draw();
  if (trace.rows.size() > drawn_rows_max)
    out +=
        text(margin, y + 11, "class=\"lane\"", "and " + std::to_string(trace.rows.size() - drawn_rows_max) + " more");
  return out;
}

std::string trace_chart(const trace_rows& trace, const std::string& title) {
  const time_axis axis{trace.seconds, margin + lanes::names_width, width - margin};
  const double bottom = top + lanes::height(trace) + 6;
  const auto notes = notes_of(trace);
  auto out = begin_timeline(width, bottom + 34, margin, title, title,
                            "a lane for each worker; a bar is a job, and its light part is time in which it waited" +
                                (notes.empty() ? notes : " (" + notes + ")"));
  out += axis.grid(top - 6, bottom) + lanes::draw(trace, axis, top);
  return out + "</svg>\n";
}

std::string trace_table(const trace_rows& trace) {
  std::vector<std::vector<std::string>> rows{{"GROUP", "NAME", "JOBS", "WORKED", "OF THAT WAITED"}};
  for (const auto& row : trace.rows) {
    std::size_t jobs = 0;
    double worked = 0, waited = 0;
    double work_end = 0;
    for (const auto& bar : row.bars) {
      if (bar.type != trace_bar::kind::wait) {
        if (bar.type == trace_bar::kind::work) ++jobs;
        worked += bar.length;
        work_end = bar.begin + bar.length;
      } else {
        waited += std::max(0.0, std::min(bar.begin + bar.length, work_end) - bar.begin);
      }
    }
    rows.push_back({row.group, row.name, std::to_string(jobs), seconds_in_short(worked), seconds_in_short(waited)});
  }
  auto out = table(rows);
  if (const auto notes = notes_of(trace); !notes.empty()) out += notes + '\n';
  return out;
}

}  // namespace millrace::tools
