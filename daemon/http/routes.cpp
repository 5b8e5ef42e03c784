#include "http/routes.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "base/log.hpp"

namespace millrace::http {

response text(unsigned status, std::string body) {
  response made;
  made.status = status;
  made.body = std::make_shared<std::string const>(std::move(body));
  return made;
}

loop::awaitable<response> at_once(response ready) { co_return ready; }

namespace {

std::string_view name_of(method method) {
  switch (method) {
    case method::get:
      return "GET";
    case method::head:
      return "HEAD";
    case method::post:
      return "POST";
    case method::put:
      return "PUT";
    case method::remove:
      return "DELETE";
    case method::other:
      break;
  }
  return "";
}

response not_allowed(const std::map<method, routes::handler>& handlers) {
  auto refusal = text(405, "This path has no such method.\n");
  for (const auto& [known, _] : handlers) {
    if (!refusal.allow.empty()) refusal.allow += ", ";
    refusal.allow += name_of(known);
    if (known == method::get) refusal.allow += ", HEAD";
  }
  return refusal;
}

}  // namespace

routes::routes() {
  add(method::get, "/", "this list", [this](const request&) { return at_once(list()); });
}

void routes::add(method added, std::string path, std::string about, handler function) {
  assert(added != method::head && added != method::other && path.starts_with('/'));
  auto& entry = endpoints_[std::move(path)];
  if (entry.about.empty()) entry.about = std::move(about);
  [[maybe_unused]] const bool is_new = entry.handlers.emplace(added, std::move(function)).second;
  assert(is_new);
}

loop::awaitable<response> routes::answer(request received) const {
  const auto entry = endpoints_.find(received.path);
  if (entry == endpoints_.end()) co_return text(404, "There is nothing at this path. The paths are listed at /.\n");
  const auto& handlers = entry->second.handlers;
  const auto found = handlers.find(received.method == method::head ? method::get : received.method);
  if (found == handlers.end()) co_return not_allowed(handlers);
  const auto path = received.path;
  try {
    co_return co_await found->second(std::move(received));
  } catch (const boost::system::system_error& failure) {
    if (failure.code() == boost::asio::error::operation_aborted) throw;
    log::error("answer_failed", "A request could not be answered.", {{"path", path}, {"error", failure.what()}});
  } catch (const std::exception& failure) {
    log::error("answer_failed", "A request could not be answered.", {{"path", path}, {"error", failure.what()}});
  }
  co_return text(500, "This could not be answered; the log says why.\n");
}

response routes::list() const {
  std::size_t widest = 0;
  for (const auto& [path, _] : endpoints_) widest = std::max(widest, path.size());
  std::string lines = "millrace\n\n";
  for (const auto& [path, entry] : endpoints_)
    lines += path + std::string(widest - path.size() + 2, ' ') + entry.about + "\n";
  return text(200, std::move(lines));
}

}  // namespace millrace::http
