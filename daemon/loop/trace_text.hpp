#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "loop/trace_event.hpp"
#include "loop/trace_states.hpp"

namespace millrace::loop {

/// The events of a trace as lines of JSON, in the JSON array format of "Trace Event Format"
/// (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU): one event a line, times in
/// microseconds since the begin of the trace. The text begins with the bracket; its end is added by the file.
///
/// Most of what a trace costs is done here, so pieces are copied into one buffer that only grows. One thread at a time.
class trace_text {
 public:
  /// Before the first event: the time from which the trace counts.
  void begin_at(instant begin) noexcept { began_ = begin; }

  void add_group(trace_group group, std::string_view name);
  /// `work`: of an event of that kind; null for the others.
  void add(const trace_event& event, const trace_work* work);
  /// An event of the whole trace, with one number.
  void add_note(std::string_view name, std::string_view key, std::uint64_t value, instant at);

  /// What was added since `clear`. Valid until the next addition.
  [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Takes back what was added since the text had this size.
  void cut(std::size_t size) noexcept { size_ = size; }
  void clear() noexcept { size_ = 0; }
  void add_end() { add("\n]\n"); }
  static constexpr std::size_t end_bytes = 3;

 private:
  void add_lane(const trace_event& event);
  void add_span(const trace_event& event, const trace_work* work);
  void add_state(const trace_event& event);
  void add_job_state(char phase, job_id job, std::string_view name, std::string_view queue, instant at);
  void add_label(const trace_event& event, const trace_work& work);
  void add_facts(const trace_event& event, const trace_work* work);
  void begin_line(char phase, trace_group group, std::uint32_t lane, instant at);

  void add_number(std::uint64_t value);
  /// Microseconds with three digits.
  void add_time(duration length);
  /// In quotes. Requires of `literal`: no character of it needs an escape.
  void add_literal(std::string_view literal);
  void add_string(std::string_view text);

  template <std::size_t Size>
  void add(const char (&piece)[Size]) {
    std::memcpy(space_for(Size - 1), piece, Size - 1);
    size_ += Size - 1;
  }
  void add_bytes(std::string_view bytes) {
    std::memcpy(space_for(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void add_byte(char byte) {
    *space_for(1) = byte;
    ++size_;
  }
  /// Where so many more bytes are to be written.
  char* space_for(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return bytes_.get() + size_;
  }
  void grow(std::size_t more);

  std::unique_ptr<char[]> bytes_;  // NOLINT(modernize-avoid-c-arrays): a vector would clear what is written anyway
  std::size_t size_{0}, capacity_{0};
  bool is_empty_{true};  ///< nothing was ever added
  instant began_{};
  trace_states states_;
};

}  // namespace millrace::loop
