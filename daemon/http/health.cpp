#include "http/health.hpp"

namespace millrace::http {

void add_health(routes& where, const control& state) {
  where.add(method::get, "/healthz", "whether the loop turns",
            [](const request&) { return at_once(text(200, "ok\n")); });
  where.add(method::get, "/readyz", "whether the daemon takes work", [&state](const request&) {
    return at_once(state.ready() ? text(200, "ready\n") : text(503, state.not_ready_because() + "\n"));
  });
}

}  // namespace millrace::http
