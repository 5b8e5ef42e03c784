#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// The commands of the protocol, one row each. Everything that depends on the verb is read from here: the reader, the
/// writer, the statistics, the metrics, the cost of a turn and the list in PROTOCOL.md §4. The functions that carry
/// the commands out belong to the module above; it has one array of them, indexed by the verb.
namespace millrace::wire {

/// In the order of the `cmd-` counters of `stats` (PROTOCOL.md §5).
enum class beanstalk_verb : std::uint8_t {
  put,
  peek,
  peek_ready,
  peek_delayed,
  peek_buried,
  reserve,
  reserve_with_timeout,
  reserve_job,
  delete_job,
  release,
  use,
  watch,
  ignore,
  bury,
  kick,
  kick_job,
  touch,
  stats,
  stats_job,
  stats_tube,
  list_tubes,
  list_tube_used,
  list_tubes_watched,
  pause_tube,
  quit,
  end_of_verbs  ///< not a verb: their number
};
inline constexpr std::size_t beanstalk_verb_count = static_cast<std::size_t>(beanstalk_verb::end_of_verbs);
[[nodiscard]] constexpr std::size_t index_of(beanstalk_verb verb) noexcept { return static_cast<std::size_t>(verb); }

/// The arguments on the line, in their order; beanstalk_arguments.hpp says which member of a command each one is.
enum class argument_shape : std::uint8_t {
  none,
  put,  ///< priority, delay, ttr, bytes; a body follows the line
  job,
  job_priority,
  job_priority_delay,
  tube,
  tube_delay,
  timeout,
  bound
};

/// What a word alone on its line is answered with if the command needs an argument: to beanstalkd the space belongs to
/// some of the words, and clients can see it (PROTOCOL.md §7).
enum class word_alone : std::uint8_t { bad_format, unknown_command };

/// Whether a time of the command counts from now, which must not lie before the client asked.
enum class starts_clock : std::uint8_t { no, yes, with_delay };

struct beanstalk_command_row {
  beanstalk_verb verb{};
  std::string_view word{};  ///< as on the wire
  argument_shape arguments{argument_shape::none};
  bool may_block{false};       ///< its answer may come later; the commands behind it wait (asserted)
  bool changes{false};         ///< it may make changes that its receipt covers (asserted)
  std::uint16_t cost{1};       ///< of one turn; 1 is a command that moves one job
  bool cost_per_count{false};  ///< and 1 more for each job that it may move
  starts_clock clock{starts_clock::no};
  word_alone alone{word_alone::bad_format};
  std::string_view counter{};  ///< its name in `stats`; empty: it has none there
};

/// A reply of statistics or a list takes as long as some thirty simple commands.
inline constexpr std::uint16_t cost_of_text = 32;

inline constexpr auto beanstalk_commands = [] {
  using verb = beanstalk_verb;
  using shape = argument_shape;
  constexpr auto unknown = word_alone::unknown_command;
  return std::array<beanstalk_command_row, beanstalk_verb_count>{{
      {.verb = verb::put,
       .word = "put",
       .arguments = shape::put,
       .may_block = true,
       .changes = true,
       .clock = starts_clock::with_delay,
       .alone = unknown,
       .counter = "cmd-put"},
      {.verb = verb::peek,
       .word = "peek",
       .arguments = shape::job,
       .may_block = true,
       .alone = unknown,
       .counter = "cmd-peek"},
      {.verb = verb::peek_ready, .word = "peek-ready", .may_block = true, .counter = "cmd-peek-ready"},
      {.verb = verb::peek_delayed, .word = "peek-delayed", .may_block = true, .counter = "cmd-peek-delayed"},
      {.verb = verb::peek_buried, .word = "peek-buried", .may_block = true, .counter = "cmd-peek-buried"},
      {.verb = verb::reserve,
       .word = "reserve",
       .may_block = true,
       .clock = starts_clock::yes,
       .counter = "cmd-reserve"},
      {.verb = verb::reserve_with_timeout,
       .word = "reserve-with-timeout",
       .arguments = shape::timeout,
       .may_block = true,
       .clock = starts_clock::yes,
       .counter = "cmd-reserve-with-timeout"},
      {.verb = verb::reserve_job,
       .word = "reserve-job",
       .arguments = shape::job,
       .may_block = true,
       .clock = starts_clock::yes},
      {.verb = verb::delete_job,
       .word = "delete",
       .arguments = shape::job,
       .changes = true,
       .alone = unknown,
       .counter = "cmd-delete"},
      {.verb = verb::release,
       .word = "release",
       .arguments = shape::job_priority_delay,
       .changes = true,
       .clock = starts_clock::with_delay,
       .alone = unknown,
       .counter = "cmd-release"},
      {.verb = verb::use, .word = "use", .arguments = shape::tube, .alone = unknown, .counter = "cmd-use"},
      {.verb = verb::watch, .word = "watch", .arguments = shape::tube, .alone = unknown, .counter = "cmd-watch"},
      {.verb = verb::ignore, .word = "ignore", .arguments = shape::tube, .alone = unknown, .counter = "cmd-ignore"},
      {.verb = verb::bury,
       .word = "bury",
       .arguments = shape::job_priority,
       .changes = true,
       .alone = unknown,
       .counter = "cmd-bury"},
      {.verb = verb::kick,
       .word = "kick",
       .arguments = shape::bound,
       .changes = true,
       .cost_per_count = true,
       .alone = unknown,
       .counter = "cmd-kick"},
      {.verb = verb::kick_job, .word = "kick-job", .arguments = shape::job, .changes = true, .alone = unknown},
      {.verb = verb::touch,
       .word = "touch",
       .arguments = shape::job,
       .clock = starts_clock::yes,
       .alone = unknown,
       .counter = "cmd-touch"},
      {.verb = verb::stats, .word = "stats", .cost = cost_of_text, .counter = "cmd-stats"},
      {.verb = verb::stats_job,
       .word = "stats-job",
       .arguments = shape::job,
       .cost = cost_of_text,
       .counter = "cmd-stats-job"},
      {.verb = verb::stats_tube,
       .word = "stats-tube",
       .arguments = shape::tube,
       .cost = cost_of_text,
       .counter = "cmd-stats-tube"},
      {.verb = verb::list_tubes, .word = "list-tubes", .cost = cost_of_text, .counter = "cmd-list-tubes"},
      {.verb = verb::list_tube_used, .word = "list-tube-used", .counter = "cmd-list-tube-used"},
      {.verb = verb::list_tubes_watched,
       .word = "list-tubes-watched",
       .cost = cost_of_text,
       .counter = "cmd-list-tubes-watched"},
      {.verb = verb::pause_tube,
       .word = "pause-tube",
       .arguments = shape::tube_delay,
       .changes = true,
       .clock = starts_clock::yes,
       .counter = "cmd-pause-tube"},
      {.verb = verb::quit, .word = "quit"},
  }};
}();

[[nodiscard]] constexpr const beanstalk_command_row& row_of(beanstalk_verb verb) noexcept {
  return beanstalk_commands[index_of(verb)];
}
/// As on the wire: `reserve-with-timeout`.
[[nodiscard]] constexpr std::string_view name_of(beanstalk_verb verb) noexcept { return row_of(verb).word; }

static_assert(std::ranges::all_of(beanstalk_commands,
                                  [](const auto& row) {
                                    const auto index = static_cast<std::size_t>(&row - beanstalk_commands.data());
                                    return index_of(row.verb) == index && !row.word.empty();
                                  }),
              "each verb has its row, in the order of the verbs");

}  // namespace millrace::wire
