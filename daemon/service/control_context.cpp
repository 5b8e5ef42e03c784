#include "service/control_context.hpp"

#include <cstddef>
#include <utility>

namespace millrace::service {

namespace {

control::reload_result as_result(reload_answer answer) {
  using outcome = control::reload_result::outcome_kind;
  control::reload_result shown;
  shown.changes = std::move(answer.changes);
  for (const auto& one : answer.diagnostics)
    shown.complaints.push_back({.key = one.key,
                                .message = one.problem,
                                .expected = one.expected,
                                .line = static_cast<std::size_t>(one.line),
                                .column = static_cast<std::size_t>(one.column)});
  if (answer.applied) return shown;
  shown.outcome = answer.reason.empty() ? outcome::invalid : outcome::refused;
  if (!answer.reason.empty())
    shown.complaints.push_back({.key = {}, .message = std::move(answer.reason), .expected = {}});
  return shown;
}

loop::awaitable<control::reload_result> reload(reloader& reloads) {
  auto reloading = reloads.reload();
  auto answer = co_await std::move(reloading);
  co_return as_result(std::move(answer));
}

}  // namespace

control::context context_of_control(controlled_parts parts) {
  control::context facts{.loop = parts.loop, .broker = parts.broker, .readiness = parts.readiness};
  facts.version = MILLRACE_VERSION;
  facts.settings_file = parts.settings.file;
  facts.data_dir = parts.settings.daemon.data_dir;
  facts.started_at = parts.loop.now();
  facts.listeners = std::move(parts.listeners);
  facts.holder_name = [&work = parts.work, &clients = parts.clients](session_id session) {
    auto slot = work.slot_name(session);
    return slot.empty() ? clients.peer_name(session) : slot;
  };
  facts.trace = &parts.trace;
  facts.backup = parts.backup;
  facts.reload = [&reloads = parts.reloads] { return reload(reloads); };
  return facts;
}

}  // namespace millrace::service
