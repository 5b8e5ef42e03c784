#include "control/reload.hpp"

#include <utility>

#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "control/change_request.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

json::object describe(const complaint& one) {
  const bool has_line = one.line > 0;
  json::value line;
  json::value column;
  if (has_line) {
    line = one.line;
    column = one.column;
  }
  return {{"key", one.key}, {"message", one.message}, {"expected", one.expected}, {"line", line}, {"column", column}};
}

loop::awaitable<http::response> reload(const context& context, http::request request) {
  if (const auto options = query::of(request, ""); !options) co_return refuse(options.error());
  if (const auto body = body_of(request, ""); !body) co_return refuse(body.error());
  if (!context.reload) co_return refuse({501, "no_reload", "This daemon cannot reload its settings.", ""});
  if (const auto refused = not_running(context)) co_return refuse(*refused);
  const changer by{request};
  log::info("reload_requested", "a client asks to reload the settings", {{"uid", by.user}, {"pid", by.process}});
  auto reloading = context.reload();
  const auto result = co_await std::move(reloading);
  json::array changes;
  for (const auto& change : result.changes) changes.push_back(json::string{change});
  json::array complaints;
  for (const auto& one : result.complaints) complaints.push_back(describe(one));
  using kind = reload_result::outcome_kind;
  const auto* const word = result.outcome == kind::applied   ? "applied"
                           : result.outcome == kind::invalid ? "invalid"
                                                             : "refused";
  const json::object content{{"result", word}, {"changes", std::move(changes)}, {"complaints", std::move(complaints)}};
  co_return json_answer(result.outcome == kind::applied ? 200 : 409, content);
}

}  // namespace

void add_reload(http::routes& routes, const context& context) {
  routes.add(http::method::post, "/v1/reload", "read the settings again",
             [&context](http::request request) { return reload(context, std::move(request)); });
}

}  // namespace millrace::control
