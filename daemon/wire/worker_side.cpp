#include "wire/worker_side.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <limits>
#include <optional>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "base/base64.hpp"
#include "base/json_string.hpp"
#include "base/utf8.hpp"
#include "wire/worker_id.hpp"

namespace millrace::wire {

namespace json = boost::json;

namespace {

worker_order malformed(std::string reason) { return {.text = std::move(reason)}; }

std::optional<std::string> text_at(const json::object& line, std::string_view key) {
  const auto* const value = line.if_contains(key);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr) return std::nullopt;
  return std::string{text->data(), text->size()};
}

std::optional<std::string> body_of(const json::object& line) {
  if (auto text = text_at(line, "body")) return text;
  const auto coded = text_at(line, "body_base64");
  return coded ? from_base64(*coded) : std::nullopt;
}

worker_order parse_object(const json::object& line) {
  if (line.contains("cancel")) {
    const auto id = parse_worker_id(line, "cancel");
    if (!id) return malformed(id.error().text);
    return {.type = worker_order::kind::cancel, .id = *id};
  }
  const auto id = parse_worker_id(line, "id");
  if (!id) return malformed(id.error().text);
  auto queue = text_at(line, "queue");
  auto handler = text_at(line, "handler");
  auto content = body_of(line);
  const auto* const attempt = line.if_contains("attempt");
  const auto* const number = attempt == nullptr ? nullptr : attempt->if_int64();
  if (!queue || !handler || !content) return malformed("a job lacks its queue, handler or body");
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
    return malformed("a job lacks its attempt");
  return {.type = worker_order::kind::job,
          .id = *id,
          .queue = std::move(*queue),
          .handler = std::move(*handler),
          .attempt = static_cast<std::uint32_t>(*number),
          .text = std::move(*content)};
}

void append_result(std::string& to, std::string_view text) {
  if (is_utf8(text)) {
    to += R"(,"result":)";
    append_json_string(to, text);
  } else {
    to += R"(,"result_base64":")";
    to += to_base64(text);
    to += '"';
  }
}

void append_failure(std::string& to, const worker_message& answer) {
  to += R"(,"error":)";
  append_json_string(to, answer.text);
  if (answer.retry == worker_retry::never) to += R"(,"retry":false)";
  if (answer.retry == worker_retry::later) {
    to += R"(,"retry":")";
    to += write_duration(answer.wait);
    to += '"';
  }
  if (answer.failure == worker_failure::over_limit) to += R"(,"end":"limit")";
  if (answer.failure == worker_failure::interrupted) to += R"(,"end":"interrupted")";
}

}  // namespace

worker_order parse_worker_order(std::string_view line) {
  boost::system::error_code failure;
  const auto parsed = json::parse({line.data(), line.size()}, failure);
  if (failure) return malformed("the line is no JSON: " + failure.message());
  const auto* const object = parsed.if_object();
  return object == nullptr ? malformed("the line is no object of JSON") : parse_object(*object);
}

void append_worker_answer(std::string& to, const worker_message& answer) {
  to += R"({"id":)";
  append_worker_id(to, answer.id);
  if (answer.type == worker_message::kind::done) {
    to += R"(,"ok":true)";
    if (answer.result) append_result(to, *answer.result);
  } else {
    append_failure(to, answer);
  }
  if (answer.work) {
    to += R"(,"nanoseconds":)";
    to += std::to_string(answer.work->count());
  }
  to += "}\n";
}

}  // namespace millrace::wire
