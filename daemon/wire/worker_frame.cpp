#include "wire/worker_frame.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/base/result.hpp>

#include "base/base64.hpp"
#include "base/json_string.hpp"
#include "base/json_text.hpp"
#include "base/utf8.hpp"
#include "wire/reused_text.hpp"
#include "wire/worker_id.hpp"

namespace millrace::wire {

namespace json = boost::json;

namespace {

/// Of values in values: the parser uses memory for each level.
constexpr std::size_t json_depth_max = 32;

/// The first key of the line that is none of `keys`; empty if there is none.
template <std::size_t count>
std::string_view unknown_key(const json::object& line, const std::array<std::string_view, count>& keys) {
  for (const auto& member : line) {
    bool is_known = false;
    for (const std::string_view key : keys) is_known = is_known || member.key() == key;
    if (!is_known) return {member.key().data(), member.key().size()};
  }
  return {};
}

error unknown(std::string_view key, std::string_view type) {
  constexpr std::size_t shown_max = 60;
  return invalid("a line with `" + std::string{type} + "` has no key `" + to_utf8(utf8_prefix(key, shown_max)) + "`");
}

result<worker_message> parse_done(const json::object& line) {
  const auto* const ok = line.if_contains("ok")->if_bool();
  if (ok == nullptr || !*ok) return invalid("`ok` is not true: a job that failed has `error`");
  constexpr std::array<std::string_view, 5> keys{"id", "ok", "result", "result_base64", "nanoseconds"};
  if (const auto key = unknown_key(line, keys); !key.empty()) return unknown(key, "ok");
  worker_message message;
  message.type = worker_message::kind::done;
  const auto* const value = line.if_contains("result");
  const auto* const coded = line.if_contains("result_base64");
  if (value != nullptr && coded != nullptr) return invalid("the line has both `result` and `result_base64`");
  if (value != nullptr && !value->is_null()) message.result = text_of_json(*value);
  if (coded == nullptr) return message;
  const auto* const text = coded->if_string();
  if (text != nullptr) message.result = from_base64({text->data(), text->size()});
  if (!message.result) return invalid("`result_base64` is not base64");
  return message;
}

result<> parse_retry(const json::value& value, worker_message& message) {
  if (const auto* const flag = value.if_bool()) {
    message.retry = *flag ? worker_retry::as_set : worker_retry::never;
    return {};
  }
  const error expected = invalid("`retry` is not true, false or a duration like \"30s\"");
  const auto* const text = value.if_string();
  if (text == nullptr) return expected;
  const auto wait = parse_duration({text->data(), text->size()});
  if (!wait) return expected;
  message.retry = worker_retry::later;
  message.wait = *wait;
  return {};
}

result<worker_message> parse_failed(const json::object& line) {
  constexpr std::array<std::string_view, 5> keys{"id", "error", "retry", "end", "nanoseconds"};
  if (const auto key = unknown_key(line, keys); !key.empty()) return unknown(key, "error");
  const auto* const text = line.if_contains("error")->if_string();
  if (text == nullptr) return invalid("`error` is no text");
  worker_message message;
  message.type = worker_message::kind::failed;
  message.text.assign(text->data(), text->size());
  if (const auto* const retry = line.if_contains("retry")) {
    if (auto parsed = parse_retry(*retry, message); !parsed) return parsed.error();
  }
  if (const auto* const end = line.if_contains("end")) {
    if (*end == "limit") {
      message.failure = worker_failure::over_limit;
    } else if (*end == "interrupted") {
      message.failure = worker_failure::interrupted;
    } else {
      return invalid("`end` is neither \"limit\" nor \"interrupted\"");
    }
  }
  return message;
}

result<worker_message> parse_progress(const json::object& line) {
  constexpr std::array<std::string_view, 2> keys{"id", "progress"};
  if (const auto key = unknown_key(line, keys); !key.empty()) return unknown(key, "progress");
  const auto* const text = line.if_contains("progress")->if_string();
  if (text == nullptr) return invalid("`progress` is no text");
  worker_message message;
  message.type = worker_message::kind::progress;
  message.text.assign(text->data(), text->size());
  return message;
}

result<worker_message> parse_object(const json::object& line) {
  if (line.contains("ok")) {
    if (line.contains("error") || line.contains("progress")) return invalid("the line has `ok` and another outcome");
    return parse_done(line);
  }
  if (line.contains("error")) return parse_failed(line);
  if (line.contains("progress")) return parse_progress(line);
  return invalid("the line has none of `ok`, `error` and `progress`");
}

/// `write_size` writes some numbers of bytes without a unit.
std::string with_unit(std::size_t bytes) {
  const std::string size = write_size(bytes);
  return size.ends_with('B') ? size : size + " bytes";
}

worker_message malformed(std::string reason, job_id id = {}) {
  worker_message message;
  message.id = id;
  message.text = std::move(reason);
  return message;
}

}  // namespace

void append_worker_job(std::string& to, const worker_job& job) {
  to += R"({"id":)";
  append_worker_id(to, job.id);
  to += R"(,"queue":)";
  append_json_string(to, job.queue);
  to += R"(,"attempt":)";
  to += std::to_string(job.attempt);
  if (!job.handler.empty()) {
    to += R"(,"handler":)";
    to += job.handler;
  }
  if (is_utf8(job.body)) {
    to += R"(,"body":)";
    append_json_string(to, job.body);
  } else {
    to += R"(,"body_base64":")";
    to += to_base64(job.body);
    to += '"';
  }
  to += "}\n";
}

void append_worker_cancellation(std::string& to, job_id job) {
  to += R"({"cancel":)";
  append_worker_id(to, job);
  to += "}\n";
}

worker_message parse_worker_message(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return malformed("an empty line");
  std::array<unsigned char, 4096> memory;  // NOLINT(cppcoreguidelines-pro-type-member-init): for the parser, unread
  json::monotonic_resource resource{memory.data(), memory.size()};
  json::parse_options limits;
  limits.max_depth = json_depth_max;
  boost::system::error_code failure;
  const auto parsed = json::parse({line.data(), line.size()}, failure, &resource, limits);
  if (failure) return malformed("the line is no JSON: " + failure.message());
  const auto* const object = parsed.if_object();
  if (object == nullptr) return malformed("the line is no object of JSON");
  const auto id = parse_worker_id(*object, "id");
  if (!id) return malformed(id.error().text);
  auto message = parse_object(*object);
  if (!message) return malformed(message.error().text, *id);
  message->id = *id;
  if (const auto* const length = object->if_contains("nanoseconds")) {
    const auto* const number = length->if_int64();
    if (number == nullptr || *number < 0) return malformed("`nanoseconds` is no whole number", *id);
    message->work = nanoseconds{*number};
  }
  return std::move(*message);
}

std::optional<worker_message> worker_frame_reader::next(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  const auto here = end == std::string_view::npos ? bytes.size() : end + 1;
  if (here > line_bytes_max_ - begun_.size()) {
    clear_reused(begun_);
    return too_long();
  }
  if (end == std::string_view::npos) {
    begun_ += bytes;
    bytes = {};
    return std::nullopt;
  }
  const auto last_part = bytes.substr(0, end);
  bytes.remove_prefix(here);
  if (begun_.size() + last_part.size() > parsed_bytes_max_) {
    begun_ += last_part;
    return worker_message{.type = worker_message::kind::unparsed, .text = std::exchange(begun_, {})};
  }
  if (begun_.empty()) return parse_worker_message(last_part);
  begun_ += last_part;
  auto message = parse_worker_message(begun_);
  clear_reused(begun_);
  return message;
}

worker_message worker_frame_reader::too_long() const {
  return malformed("a line is longer than output_max (" + with_unit(line_bytes_max_) + ")");
}

}  // namespace millrace::wire
