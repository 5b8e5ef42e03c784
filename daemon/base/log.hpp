#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <millrace/base/time.hpp>

namespace millrace::log {

enum class level { debug, info, warning, error };

/// One value of a line, by a key in snake_case. Units end the key: `wait_ms`, `body_bytes`.
struct field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;

  field(std::string_view k, std::string_view v) : key{k}, value{v} {}
  field(std::string_view k, const char* v) : key{k}, value{std::string_view{v}} {}
  field(std::string_view k, const std::string& v) : key{k}, value{std::string_view{v}} {}
  template <std::signed_integral I>
  field(std::string_view k, I v) : key{k}, value{static_cast<std::int64_t>(v)} {}
  template <std::unsigned_integral U>
    requires(!std::same_as<U, bool>)
  field(std::string_view k, U v) : key{k}, value{static_cast<std::uint64_t>(v)} {}
  field(std::string_view k, double v) : key{k}, value{v} {}
  field(std::string_view k, bool v) : key{k}, value{v} {}
};

/// One log line before it is text: the event's name (snake_case, stable, for machines), a sentence for people, and fields.
struct line {
  level severity;
  std::string_view event;
  std::string_view sentence;
  std::span<const field> fields;
};

/// Says one line. Any thread; never blocks and never throws: the line goes into a bounded ring that a thread of its own writes out,
/// and a full ring drops the oldest line and counts it. Before a sink is set, lines go to standard error at once.
void write(level severity, std::string_view event, std::string_view sentence, std::initializer_list<field> fields = {}) noexcept;

inline void debug(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept { write(level::debug, event, sentence, f); }
inline void info(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept { write(level::info, event, sentence, f); }
inline void warning(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept { write(level::warning, event, sentence, f); }
inline void error(std::string_view event, std::string_view sentence, std::initializer_list<field> f = {}) noexcept { write(level::error, event, sentence, f); }

/// Where rendered lines go: `render` makes the bytes on the calling thread, `deliver` is called on the log's own thread, one line a call.
struct sink {
  std::function<std::string(const line&, wall_time)> render;
  std::function<void(level, std::string_view rendered)> deliver;
};

/// Lines that fit in the ring before the oldest is dropped.
inline constexpr std::size_t ring_lines_max = 8192;

/// Starts the log's thread with this sink; lines below `least` are not rendered. Replaces an earlier sink after writing out its lines.
void start(sink where, level least);
/// Writes out what is in the ring (waits at most `patience`) and goes back to the state before `start`.
void stop(duration patience);
/// Lines dropped since the start of the program.
[[nodiscard]] std::uint64_t dropped() noexcept;

}  // namespace millrace::log
