#include "http/health.hpp"

namespace millrace::http {

void add_health(http::routes& routes, const control& state) {
  routes.add(method::get, "/healthz", "whether the loop turns",
             [](const request&) { return at_once(text(200, "ok\n")); });
  routes.add(method::get, "/readyz", "whether the daemon takes work", [&state](const request&) {
    return at_once(state.ready() ? text(200, "ready\n") : text(503, state.problem() + "\n"));
  });
}

}  // namespace millrace::http
