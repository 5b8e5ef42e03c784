#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <millrace/base/time.hpp>

namespace millrace::log {

enum class level { debug, info, warning, error };

/// One value of a record, with a key in snake_case. The key ends with the unit: `wait_ms`, `body_bytes`.
struct field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  field(std::string_view k, std::string_view v) : key{k}, value{v} {}
  field(std::string_view k, const char* v) : key{k}, value{std::string_view{v}} {}
  field(std::string_view k, const std::string& v) : key{k}, value{std::string_view{v}} {}
  template <std::signed_integral I>
  field(std::string_view k, I v) : key{k}, value{static_cast<std::int64_t>(v)} {}
  template <std::unsigned_integral U>
  requires(!std::same_as<U, bool>) field(std::string_view k, U v) : key{k}, value{static_cast<std::uint64_t>(v)} {}
  field(std::string_view k, double v) : key{k}, value{v} {}
  field(std::string_view k, bool v) : key{k}, value{v} {}
};

/// One log record before it is text: the name of the event (snake_case, stable, for programs), a sentence for users,
/// and fields.
struct record {
  level severity;
  std::string_view event;
  std::string_view sentence;
  std::span<const field> fields;
};

/// Logs one record. Any thread; never blocks and never throws: the record goes into a bounded ring that a thread writes
/// out. A full ring drops the oldest record and counts it. Before a sink is set, records go to standard error at once.
void write(level severity, std::string_view event, std::string_view sentence,
           std::initializer_list<field> fields = {}) noexcept;

inline void debug(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept {
  write(level::debug, event, sentence, f);
}
inline void info(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept {
  write(level::info, event, sentence, f);
}
inline void warning(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept {
  write(level::warning, event, sentence, f);
}
inline void error(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept {
  write(level::error, event, sentence, f);
}

/// The destination of the log. `render` makes the bytes on the thread that logs; `deliver` is called on the log's
/// thread, once for each record.
struct sink {
  std::function<std::string(const record&, wall_time)> render;
  std::function<void(level, std::string_view rendered)> deliver;
};

/// Records that fit in the ring before the oldest is dropped.
inline constexpr std::size_t ring_lines_max = 2048;

/// The severity of one event instead of its own. nullopt: its records are never logged.
struct event_rule {
  std::string event;
  std::optional<level> severity;
  friend bool operator==(const event_rule&, const event_rule&) = default;
};

/// Which records are logged.
struct rules {
  level least{level::info};  ///< records below it are not rendered
  std::vector<event_rule> events;
  friend bool operator==(const rules&, const rules&) = default;
};

/// Starts the log's thread with this sink. An earlier sink is replaced after its records are written.
void start(sink destination, rules severity_rules);
/// As above, without rules of single events.
void start(sink destination, level least);
/// Replaces the rules. Any thread. Before `start` and after `stop` it has no effect.
void set_rules(rules severity_rules);
/// Writes the records in the ring, for at most `patience`, and returns to the state before `start`.
void stop(duration patience);
/// Records dropped since the start of the program.
[[nodiscard]] std::uint64_t dropped() noexcept;

}  // namespace millrace::log
