#pragma once

#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <millrace/base/body.hpp>

#include "control/answers.hpp"
#include "control/context.hpp"

/// Which jobs of a queue a request means.
namespace millrace::control {

/// Bytes of the text that is searched for.
inline constexpr std::size_t search_text_bytes_max = 256;
inline constexpr duration older_max = hours{24 * 3'650};

/// What `state`, `older`, `reason`, `origin` and `text` of a request say.
struct job_selection {
  std::vector<engine::job_state> states{};
  duration older{0};  ///< in its state for at least so long
  engine::job_filter filter{};

  /// The filter of a walk that begins at `now`.
  [[nodiscard]] engine::job_filter filter_at(instant now) const;
};

/// The keys of a query; `state` is one state.
inline constexpr std::string_view selection_keys = "state older reason origin text";
[[nodiscard]] checked<job_selection> selection_of(const query& options);
/// The keys of the same names of a body; `state` is a state or a list of states, but not `reserved`.
[[nodiscard]] checked<job_selection> selection_of(const boost::json::object& body);
/// The keys of a selection as JSON, for an action that is kept.
void add_selection(boost::json::object& shown, const job_selection& selection);

[[nodiscard]] std::uint64_t count_in(const engine::queue_levels& levels, engine::job_state state);

/// Whether a body that was read from disk has the text of the filter.
[[nodiscard]] bool has_text(const body& content, const engine::job_filter& filter);

}  // namespace millrace::control
