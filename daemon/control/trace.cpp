#include "control/trace.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <millrace/base/quantity.hpp>

#include "base/log.hpp"
#include "control/answers.hpp"
#include "control/change_request.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

using loop::trace_file;
using loop::trace_recorder;

refusal no_recorder() { return {501, "no_trace", "This daemon cannot record traces.", ""}; }

std::string_view state_of(const trace_recorder::facts& trace) {
  if (trace.path.empty()) return "none";
  if (trace.running) return "running";
  switch (trace.file) {
    case trace_file::state::full:
      return "full";
    case trace_file::state::failed:
      return "failed";
    case trace_file::state::open:
    case trace_file::state::complete:
      break;
  }
  return "complete";
}

http::response describe(const trace_recorder& recorder) {
  const auto trace = recorder.look();
  return json_answer(200, json::object{{"state", state_of(trace)},
                                       {"file", text_or_null(trace.path)},
                                       {"bytes", trace.bytes},
                                       {"bytes_max", trace.bytes_max},
                                       {"left_out", trace.left_out}});
}

http::response show(const context& context, const http::request& request) {
  if (const auto options = query::of(request, ""); !options) return refuse(options.error());
  if (context.trace == nullptr) return refuse(no_recorder());
  return describe(*context.trace);
}

/// What a request asks for: a trace, or the end of one.
struct wanted {
  bool stops{false};
  trace_recorder::request trace;
};

checked<wanted> wanted_of(const http::request& request) {
  const auto body = body_of(request, "action file limit");
  if (!body) return body.error();
  const auto* const action = body->if_contains("action");
  const bool stops = action != nullptr && *action == json::value("stop");
  if (action == nullptr || (!stops && *action != json::value("start")))
    return refusal{400, "invalid_value", "`action` is neither `start` nor `stop`.", "body.action"};
  const auto* const file = body->if_contains("file");
  const auto* const limit = body->if_contains("limit");
  if (stops) {
    if (file == nullptr && limit == nullptr) return wanted{.stops = true, .trace = {}};
    return refusal{400, "invalid_value", "`stop` takes neither `file` nor `limit`.",
                   file != nullptr ? "body.file" : "body.limit"};
  }
  const auto* const path = file == nullptr ? nullptr : file->if_string();
  if (path == nullptr || !path->starts_with('/') || path->find('\0') != path->npos)
    return refusal{400, "invalid_value", "`file` is not an absolute path.", "body.file"};
  // In place of an existing file it could destroy anything that the daemon may write.
  wanted read{.trace = {.path = std::string{*path}, .may_exist = false}};
  if (limit == nullptr) return read;
  const auto* const size = limit->if_string();
  const auto bytes = size == nullptr ? invalid("it is no text") : parse_size(std::string_view{*size});
  if (!bytes) return refusal{400, "invalid_value", "`limit` is not a size: " + bytes.error().text + ".", "body.limit"};
  if (*bytes < trace_recorder::file_bytes_least) {
    return refusal{400, "invalid_value", "`limit` is less than " + write_size(trace_recorder::file_bytes_least) + ".",
                   "body.limit"};
  }
  read.trace.bytes_max = *bytes;
  return read;
}

loop::awaitable<http::response> begin(trace_recorder& recorder, trace_recorder::request trace) {
  if (recorder.look().running)
    co_return refuse({409, "trace_running", "A trace is running already, into " + recorder.look().path + ".", ""});
  auto beginning = recorder.begin(std::move(trace));
  const auto begun = co_await std::move(beginning);
  if (begun) co_return describe(recorder);
  co_return refuse({409, "no_trace", "The trace cannot begin: " + begun.error().text + ".", "body.file"});
}

loop::awaitable<http::response> end(trace_recorder& recorder) {
  auto ending = recorder.end();
  const bool ended = co_await std::move(ending);
  if (ended) co_return describe(recorder);
  co_return refuse({409, "no_trace", "No trace is running.", ""});
}

loop::awaitable<http::response> change(const context& context, http::request request) {
  if (const auto options = query::of(request, ""); !options) co_return refuse(options.error());
  auto read = wanted_of(request);
  if (!read) co_return refuse(read.error());
  if (context.trace == nullptr) co_return refuse(no_recorder());
  const changer by{request};
  log::info(
      "trace_requested", "a client begins or ends a trace",
      {{"action", read->stops ? "stop" : "start"}, {"file", read->trace.path}, {"uid", by.user}, {"pid", by.process}});
  auto changing = read->stops ? end(*context.trace) : begin(*context.trace, std::move(read->trace));
  co_return co_await std::move(changing);
}

}  // namespace

void add_trace(http::routes& routes, const context& context) {
  routes.add(http::method::get, "/v1/trace", "the trace of tasks and jobs",
             [&context](const http::request& request) { return http::at_once(show(context, request)); });
  routes.add(http::method::post, "/v1/trace", "begin or end a trace",
             [&context](http::request request) { return change(context, std::move(request)); });
}

}  // namespace millrace::control
