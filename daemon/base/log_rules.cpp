#include "base/log_rules.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/nearest.hpp"

namespace millrace::log {
namespace {

/// The names of all events, sorted. Settings may name no other. A test compares them with the source.
constexpr std::array names = std::to_array<std::string_view>({
    "accept_failed",
    "action_began",
    "action_ended",
    "action_forgotten",
    "action_resumed",
    "action_stopping",
    "answer_failed",
    "ballast_given_up",
    "body_unreadable",
    "body_waits",
    "child_guard_ended",
    "connection_failed",
    "consumer_failed",
    "consumer_slot_failed",
    "consumer_slot_stuck",
    "consumer_slot_stuck_ended",
    "could_not_start",
    "data_dir_created",
    "disk_full",
    "disk_has_space",
    "disk_nearly_full",
    "drained",
    "draining",
    "ended",
    "failed",
    "file_cut",
    "file_not_synced",
    "file_replaced",
    "file_rotated",
    "foreign_files",
    "group_not_joined",
    "group_put",
    "handler_moved",
    "held_up",
    "job_cancelled",
    "job_failed",
    "job_ids_exhausted",
    "job_interrupted",
    "kept",
    "left_out",
    "loop_stall_ended",
    "loop_stall_stack",
    "loop_stalled",
    "memory_limits",
    "metrics_failed",
    "migrating",
    "no_ballast",
    "no_http",
    "no_progress",
    "no_watchdog_feed",
    "not_all_done",
    "not_on_disk",
    "output_held",
    "producer_failed",
    "put_held",
    "put_refused",
    "queue_paused",
    "queue_resumed",
    "queue_stuck",
    "recovered",
    "recovering",
    "refusing_puts",
    "reload_incomplete",
    "reload_refused",
    "reload_requested",
    "reloaded",
    "sequence_failed",
    "settings",
    "signal",
    "socket_passed",
    "source_failed",
    "source_not_resumed",
    "source_resumed",
    "started",
    "stopped",
    "store_failed",
    "store_locked",
    "store_unlocked",
    "summary",
    "task_failed",
    "trace_began",
    "trace_ended",
    "trace_failed",
    "trace_full",
    "trace_requested",
    "worker_ended",
});
static_assert(std::is_sorted(names.begin(), names.end()));

constexpr std::array<std::string_view, 4> levels{"debug", "info", "warning", "error"};
constexpr std::string_view never_logged = "off";

result<std::optional<level>> parse_level(std::string_view word) {
  using optional_level = std::optional<level>;
  if (word == never_logged) return optional_level{};
  const auto found = std::find(levels.begin(), levels.end(), word);
  if (found == levels.end())
    return invalid("`" + std::string{word} + "` is no level (debug, info, warning, error or off)");
  return optional_level{static_cast<level>(found - levels.begin())};
}

}  // namespace

result<event_rule> parse_event_rule(std::string_view text) {
  const auto separator = text.find('=');
  if (separator == std::string_view::npos) return invalid("`" + std::string{text} + "` is not EVENT=LEVEL");
  const std::string event{text.substr(0, separator)};
  if (!std::binary_search(names.begin(), names.end(), event)) {
    const std::vector<std::string> known{names.begin(), names.end()};
    const auto suggestion = nearest(event, known);
    return invalid("there is no event `" + event + "`" +
                   (suggestion.empty() ? std::string{} : ", did you mean `" + suggestion + "`?"));
  }
  auto severity = parse_level(text.substr(separator + 1));
  if (!severity) return severity.error();
  return event_rule{event, *severity};
}

std::string write_event_rule(event_rule rule) {
  const auto word = rule.severity ? levels[static_cast<std::size_t>(*rule.severity)] : never_logged;
  return rule.event + "=" + std::string{word};
}

const options_of<rules>& rules_option_table() {
  static const auto table =
      options_of<rules>{}
          .choice(
              "level", &rules::least,
              {{"debug", level::debug}, {"info", level::info}, {"warning", level::warning}, {"error", level::error}},
              "Lowest severity that is logged; --log-level overrides it.")
          .parsed_list("events", &rules::events,
                       "Severities of single events instead of their own, like job_failed=debug; off: never logged.",
                       parse_event_rule, write_event_rule, "a list of EVENT=LEVEL like store_locked=error");
  return table;
}

}  // namespace millrace::log
