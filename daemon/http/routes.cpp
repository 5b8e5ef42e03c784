#include "http/routes.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <exception>
#include <utility>

#include <boost/system/system_error.hpp>

#include "base/log.hpp"
#include "loop/thrown.hpp"

namespace millrace::http {

response text(unsigned status, std::string body) {
  response made;
  made.status = status;
  made.body = std::make_shared<std::string const>(std::move(body));
  return made;
}

loop::awaitable<response> at_once(response ready) { co_return ready; }

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '%') {
      decoded += text.front();
      continue;
    }
    const auto digits = text.substr(1, 2);
    unsigned code = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 2 || failure != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    decoded += static_cast<char>(code);
    text.remove_prefix(2);
  }
  return decoded;
}

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

/// `/a/b` as `a` and `b`.
std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  return std::ranges::equal(pattern, segments, [](const std::string& expected, const std::string& segment) {
    return is_parameter(expected) ? !segment.empty() : expected == segment;
  });
}

response plain_refusal(unsigned status, std::string_view, const std::string& message) {
  return text(status, message + "\n");
}

}  // namespace

routes::routes() : routes{plain_refusal} {}

routes::routes(refusal_writer write_refusal) : write_refusal_{std::move(write_refusal)} {
  add(method::get, "/", "this list", [this](const request&) { return at_once(list()); });
}

void routes::add(method added, const std::string& path, std::string about, handler function) {
  assert(added != method::head && added != method::other && path.starts_with('/'));
  auto& entry = endpoints_[path];
  if (path.find('{') != std::string::npos) entry.segments = segments_of(path);
  if (entry.about.empty()) entry.about = std::move(about);
  [[maybe_unused]] const bool is_new = entry.handlers.emplace(added, std::move(function)).second;
  assert(is_new);
}

loop::awaitable<response> routes::answer(request received) const {
  const auto* const entry = find(received);
  if (entry == nullptr)
    co_return refuse(404, "no_such_path", "There is nothing at this path. The paths are listed at /.");
  const auto found = entry->handlers.find(received.method == method::head ? method::get : received.method);
  if (found == entry->handlers.end()) co_return not_allowed(*entry);
  const auto path = received.path;
  try {
    co_return co_await found->second(std::move(received));
  } catch (const boost::system::system_error& failure) {
    if (loop::is_cancellation(failure)) throw;
    log::error("answer_failed", "A request could not be answered.", {{"path", path}, {"error", failure.what()}});
  } catch (const std::exception& failure) {
    log::error("answer_failed", "A request could not be answered.", {{"path", path}, {"error", failure.what()}});
  }
  co_return refuse(500, "internal", "This could not be answered; the log says why.");
}

const routes::endpoint* routes::find(request& received) const {
  if (const auto exact = endpoints_.find(received.path); exact != endpoints_.end()) return &exact->second;
  if (!received.path.starts_with('/')) return nullptr;
  const auto segments = segments_of(received.path);
  for (const auto& [path, entry] : endpoints_) {
    if (entry.segments.empty() || !fits(entry.segments, segments)) continue;
    for (std::size_t n = 0; n < segments.size(); ++n) {
      const auto& name = entry.segments[n];
      if (!is_parameter(name)) continue;
      auto value = percent_decoded(segments[n]);
      if (!value) return nullptr;
      received.parameters.insert_or_assign(name.substr(1, name.size() - 2), std::move(*value));
    }
    return &entry;
  }
  return nullptr;
}

response routes::not_allowed(const endpoint& found) const {
  auto refusal = refuse(405, "no_such_method", "This path has no such method.");
  for (const auto& [known, _] : found.handlers) {
    if (!refusal.allow.empty()) refusal.allow += ", ";
    refusal.allow += name_of(known);
    if (known == method::get) refusal.allow += ", HEAD";
  }
  return refusal;
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
