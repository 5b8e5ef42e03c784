#include "control/api.hpp"

#include <utility>

#include "control/action_routes.hpp"
#include "control/answers.hpp"
#include "control/backup.hpp"
#include "control/bulk_routes.hpp"
#include "control/changes.hpp"
#include "control/groups.hpp"
#include "control/jobs.hpp"
#include "control/queues.hpp"
#include "control/status.hpp"
#include "control/trace.hpp"

namespace millrace::control {

namespace {

http::response refuse_request(unsigned status, std::string_view code, const std::string& message) {
  return refuse({status, code, message, "request"});
}

}  // namespace

api::api(context facts, http::connection_limits http_limits)
    : context_{std::move(facts)},
      rates_{context_.broker.engine()},
      actions_{context_.loop},
      lists_{context_},
      routes_{refuse_request},
      server_{context_.loop, routes_, http_limits, "control"},
      sampling_{context_.loop} {
  add_status(routes_, context_);
  add_queues(routes_, context_, rates_);
  add_jobs(routes_, context_);
  add_job_lists(routes_, lists_);
  add_bulk_changes(routes_, context_, actions_);
  add_groups(routes_, context_, group_keys_);
  add_changes(routes_, context_, rates_, actions_);
  add_actions(routes_, context_, actions_);
  add_backup(routes_, context_, actions_);
  add_reload(routes_, context_);
  add_trace(routes_, context_);
}

api::~api() = default;

result<> api::open(network::bound_socket socket) {
  auto opened = server_.open(std::move(socket), connections_max);
  open_ = opened.has_value();
  if (open_) sampling_.spawn("rates", rates_.run(context_.loop));
  return opened;
}

void api::resume() {
  if (open_) resume_bulk_changes(context_, actions_);
}

loop::awaitable<> api::close() {
  if (!open_) co_return;
  sampling_.cancel();
  co_await actions_.close(http::server::close_timeout);
  co_await server_.close();
  co_await sampling_.join();
}

}  // namespace millrace::control
