#include "control/backup.hpp"

#include <string>
#include <utility>

#include "control/action_routes.hpp"
#include "store/backup.hpp"

namespace millrace::control {

namespace {

loop::awaitable<> copy(store::backup& backup, action& facts) {
  auto copying = backup.run(facts.target, [&](const store::backup_progress& now) {
    facts.done = now.copied;
    facts.total = now.total;
    if (facts.stopping) backup.stop();
  });
  const auto copied = co_await std::move(copying);
  if (copied) {
    facts.done = facts.total = *copied;
  } else {
    facts.state = facts.stopping ? action_state::stopped : action_state::failed;
    facts.error = copied.error().text;
  }
}

loop::awaitable<http::response> begin(const context& context, actions& actions, http::request request) {
  if (const auto refused = not_running(context)) co_return refuse(*refused);
  const auto wait = wait_of(request);
  if (!wait) co_return refuse(wait.error());
  const auto body = body_of(request, "directory");
  if (!body) co_return refuse(body.error());
  const auto* const directory = body->if_contains("directory");
  const auto* const path = directory == nullptr ? nullptr : directory->if_string();
  if (path == nullptr || !path->starts_with('/') || path->find('\0') != path->npos)
    co_return refuse({400, "invalid_value", "`directory` is not an absolute path.", "body.directory"});
  if (context.backup == nullptr)
    co_return refuse({409, "no_data_dir", "There is nothing to copy: `daemon.data_dir` is not set.", ""});
  action facts{.kind = "backup", .target = std::string{*path}, .key = request.idempotency_key, .unit = "bytes"};
  auto steps = [&backup = *context.backup](action& running) { return copy(backup, running); };
  auto answer = begin_action(context, actions, std::move(facts), std::move(steps), changer{request}, *wait);
  co_return co_await std::move(answer);
}

}  // namespace

void add_backup(http::routes& routes, const context& context, actions& actions) {
  routes.add(http::method::post, "/v1/backup", "copy the data into a directory",
             [&](http::request request) { return begin(context, actions, std::move(request)); });
}

}  // namespace millrace::control
