#include "http/health.hpp"

namespace millrace::http {

void add_health(http::routes& routes, const readiness& readiness) {
  routes.add(method::get, "/healthz", "whether the loop turns",
             [](const request&) { return at_once(text(200, "ok\n")); });
  routes.add(method::get, "/readyz", "whether the daemon takes work", [&readiness](const request&) {
    return at_once(readiness.ready() ? text(200, "ready\n") : text(503, readiness.problem() + "\n"));
  });
}

}  // namespace millrace::http
