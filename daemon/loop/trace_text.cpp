#include "loop/trace_text.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/json_string.hpp"
#include "base/utf8.hpp"

namespace millrace::loop {

namespace {

bool is_printable_text(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || static_cast<unsigned char>(byte) == 0x7f;
  });
}

/// Whether JSON needs no escape in it and it is ASCII, and so UTF-8.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code >= 0x20 && code < 0x80 && code != '"' && code != '\\';
  });
}

}  // namespace

void trace_text::add(const trace_event& event, const trace_work* work) {
  switch (event.type) {
    case trace_event::kind::lane:
      return add_lane(event);
    case trace_event::kind::state:
      return add_state(event);
    case trace_event::kind::mark:
      return add_job_state('n', event.job, event.name, {}, event.at);
    case trace_event::kind::wait:
    case trace_event::kind::work:
    case trace_event::kind::span:
      return add_span(event, work);
  }
}

void trace_text::add_lane(const trace_event& event) {
  begin_line('M', event.group, event.lane, began_);
  add(R"(,"name":"thread_name","args":{"name":)");
  add_string(event.name);
  add("}}");
}

void trace_text::add_span(const trace_event& event, const trace_work* work) {
  begin_line('X', event.group, event.lane, event.at);
  add(",\"dur\":");
  add_time(event.length);
  add(",\"name\":");
  if (work != nullptr) {
    add_label(event, *work);
    add_bytes(event.group == trace_group::tasks ? R"(,"cat":"job")" : R"(,"cat":"offload")");
  } else {
    add_literal(event.name);
    add_bytes(event.type == trace_event::kind::wait ? R"(,"cat":"wait")" : R"(,"cat":"store")");
  }
  if (event.type != trace_event::kind::wait) add_facts(event, work);
  add_byte('}');
}

void trace_text::add_label(const trace_event& event, const trace_work& work) {
  std::string_view label{work.label.data(), work.label_size};
  if (work.label_is_cut) label = utf8_prefix(label, label.size() - 1);
  if (is_printable_text(label)) return work.label_is_cut ? add_string(std::string{label} + "…") : add_string(label);
  if (!event.job) return add("\"a computation\"");
  add("\"job ");
  add_number(event.job.value());
  add_byte('"');
}

void trace_text::add_facts(const trace_event& event, const trace_work* work) {
  if (!event.job && event.batch == 0) return;
  if (event.batch != 0) {
    add(R"(,"args":{"batch":)");
    add_number(event.batch);
    return add_byte('}');
  }
  add(R"(,"args":{"job":)");
  add_number(event.job.value());
  if (!event.queue.empty()) {
    add(",\"queue\":");
    add_string(event.queue);
  }
  if (work->attempt != 0) {
    add(",\"attempt\":");
    add_number(work->attempt);
  }
  if (!work->outcome.empty()) {
    add(",\"outcome\":");
    add_literal(work->outcome);
  }
  if (!work->then.empty()) {
    add(",\"then\":");
    add_literal(work->then);
  }
  add_byte('}');
}

void trace_text::add_state(const trace_event& event) {
  const auto before = event.name.empty() ? states_.take(event.job) : states_.exchange(event.job, event.name);
  // A trace that begins late has not seen the begin of the first state.
  if (!before.empty()) add_job_state('e', event.job, before, {}, event.at);
  if (!event.name.empty()) add_job_state('b', event.job, event.name, event.queue, event.at);
}

void trace_text::add_job_state(char phase, job_id job, std::string_view name, std::string_view queue, instant at) {
  begin_line(phase, trace_group::jobs, 0, at);
  add(R"(,"cat":"job","id":)");
  add_number(job.value());
  add(",\"name\":");
  add_literal(name);
  if (!queue.empty()) {
    add(R"(,"args":{"queue":)");
    add_string(queue);
    add_byte('}');
  }
  add_byte('}');
}

void trace_text::add_group(trace_group group, std::string_view name) {
  begin_line('M', group, 0, began_);
  add(R"(,"name":"process_name","args":{"name":)");
  add_literal(name);
  add("}}");
  begin_line('M', group, 0, began_);
  add(R"(,"name":"process_sort_index","args":{"sort_index":)");
  add_number(static_cast<std::uint64_t>(group));
  add("}}");
}

void trace_text::add_note(std::string_view name, std::string_view key, std::uint64_t value, instant at) {
  begin_line('i', trace_group::tasks, 0, at);
  add(R"(,"s":"g","name":)");
  add_literal(name);
  add(",\"args\":{");
  add_literal(key);
  add_byte(':');
  add_number(value);
  add("}}");
}

void trace_text::begin_line(char phase, trace_group group, std::uint32_t lane, instant at) {
  if (is_empty_) {
    add("[\n{\"ph\":\"");
    is_empty_ = false;
  } else {
    add(",\n{\"ph\":\"");
  }
  add_byte(phase);
  add("\",\"pid\":");
  add_byte(static_cast<char>('0' + static_cast<int>(group)));
  add(",\"tid\":");
  add_number(lane);
  add(",\"ts\":");
  add_time(at - began_);
}

void trace_text::add_number(std::uint64_t value) {
  constexpr std::size_t digits_max = 20;
  char* const begin = space_for(digits_max);
  size_ += static_cast<std::size_t>(std::to_chars(begin, begin + digits_max, value).ptr - begin);
}

void trace_text::add_time(duration length) {
  constexpr std::uint64_t per_microsecond = 1000;
  const auto nanoseconds = static_cast<std::uint64_t>(std::max(length, duration::zero()).count());
  add_number(nanoseconds / per_microsecond);
  const auto rest = nanoseconds % per_microsecond;
  constexpr std::size_t rest_bytes = 4;
  char* const to = space_for(rest_bytes);
  to[0] = '.';
  to[1] = static_cast<char>('0' + rest / 100);
  to[2] = static_cast<char>('0' + rest / 10 % 10);
  to[3] = static_cast<char>('0' + rest % 10);
  size_ += rest_bytes;
}

void trace_text::add_literal(std::string_view literal) {
  add_byte('"');
  add_bytes(literal);
  add_byte('"');
}

void trace_text::add_string(std::string_view text) {
  if (is_plain(text)) return add_literal(text);
  std::string escaped;
  append_json_string(escaped, text);
  add_bytes(escaped);
}

void trace_text::grow(std::size_t more) {
  constexpr std::size_t least = 64U << 10U;
  const auto wider = std::max({least, 2 * capacity_, size_ + more});
  auto bytes = std::make_unique_for_overwrite<char[]>(wider);  // NOLINT(modernize-avoid-c-arrays)
  if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = wider;
}

}  // namespace millrace::loop
