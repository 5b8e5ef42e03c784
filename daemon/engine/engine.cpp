#include "engine/engine.hpp"

#include <algorithm>
#include <cassert>

#include "engine/admission.hpp"
#include "engine/bodies.hpp"
#include "engine/due.hpp"
#include "engine/finish.hpp"
#include "engine/job_changes.hpp"
#include "engine/job_ends.hpp"
#include "engine/parts.hpp"
#include "engine/reserving.hpp"
#include "engine/run_command.hpp"
#include "engine/subscriptions.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

session& require_session(core& core, session_id id) {
  session* const found = core.sessions.find(id);
  assert(found != nullptr);
  return *found;
}

/// Requires: the session is open, is not being closed, and waits for no put, job or body (asserted).
session& require_idle_session(core& core, session_id id) {
  session& found = require_session(core, id);
  assert(!found.closing && !found.waits && found.awaited == no_slot && found.put == nullptr);
  return found;
}

/// The job, if this session holds it, body and all.
slot held(core& core, session_id client, job_id id) {
  const slot at = core.jobs.find(id);
  if (at == no_slot || core.jobs[at].state != job_state::reserved) return no_slot;
  const session& holder = core.sessions[core.jobs[at].holder];
  return holder.id == client && holder.awaited != at ? at : no_slot;
}

bool waits_in_queue(job_state state) noexcept { return state == job_state::buried || state == job_state::delayed; }

static_assert(queues_max_most <= 1u << queue_table::slot_bits);

[[maybe_unused]] bool is_limit_of_queues(std::uint32_t limit) noexcept {
  return limit >= 1 && limit <= queues_max_most;
}

}  // namespace

engine::engine(engine_options limits) : parts_{std::make_unique<parts>(limits)} {
  assert(is_limit_of_queues(limits.queues_max));
}

engine::~engine() = default;

result<queue_id> engine::declare(std::string_view name, const queue_options& options) {
  return run_command(*parts_, [&] { return millrace::engine::declare(*parts_, name, options); });
}

void engine::undeclare(queue_id id) {
  run_command(*parts_, [&] { return millrace::engine::undeclare(*parts_, id); });
}

void engine::set_queue_defaults(const queue_options& options) { parts_->defaults = options; }

void engine::apply_queue_defaults(queue_id id) {
  run_command(*parts_, [&] { return millrace::engine::apply_defaults(*parts_, id); });
}

void engine::set_queues_max(std::uint32_t queues_max) {
  assert(is_limit_of_queues(queues_max));
  parts_->limits.queues_max = queues_max;
}

void engine::set_metrics_linger(duration linger) { parts_->rows.set_linger(linger); }

result<> engine::pause(queue_id id, duration length, instant now) {
  return run_command(*parts_, now, [&]() -> result<> {
    queue* const found = parts_->queues.find(id);
    if (found == nullptr) return error{errc::not_found, "no such queue"};
    millrace::engine::pause(*parts_, *found, length);
    return {};
  });
}

session_id engine::open_session(session_kind kind) {
  session& opened = parts_->sessions.open();
  opened.kind = kind;
  return opened.id;
}

bool engine::close_session(session_id session, instant now, session_end end) {
  return run_command(*parts_, now, [&] { return close(*parts_, require_session(*parts_, session), end); });
}

result<queue_id> engine::use(session_id session, std::string_view name) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, [&] { return millrace::engine::use(*parts_, client, name); });
}

result<std::size_t> engine::watch(session_id session, std::string_view name) {
  return millrace::engine::watch(*parts_, require_idle_session(*parts_, session), name);
}

result<std::size_t> engine::ignore(session_id session, std::string_view name) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, [&] { return millrace::engine::ignore(*parts_, client, name); });
}

put_answer engine::put(session_id session, queue_id id, put_request&& job, instant now) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&]() -> put_answer {
    queue* const found = parts_->queues.find(id);
    if (found == nullptr) return {put_status::refused, {}};
    return millrace::engine::put(*parts_, client, *found, std::move(job));
  });
}

put_answer engine::refuse_put(queue_id id, reason cause) {
  if (queue* const found = parts_->queues.find(id)) found->counts.rejected.add(cause);
  return {put_status::refused, {}, cause};
}

bool engine::withdraw_put(session_id session) {
  return run_command(*parts_,
                     [&] { return millrace::engine::withdraw_put(*parts_, require_session(*parts_, session)); });
}

reserve_answer engine::reserve(session_id session, lease lease_kind, instant wait_until, instant now) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] { return millrace::engine::reserve(*parts_, client, lease_kind, wait_until); });
}

reserve_answer engine::reserve_job(session_id session, job_id job, instant now) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] { return millrace::engine::reserve_job(*parts_, client, job); });
}

bool engine::withdraw_reserve(session_id id) {
  return run_command(*parts_, [&] {
    auto& client = require_session(*parts_, id);
    return stop_waiting(*parts_, client) || stop_awaiting_body(*parts_, client);
  });
}

finish_answer engine::finish(session_id session, finish_request&& request, instant now) {
  auto& client = require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&]() -> finish_answer {
    const slot at = held(*parts_, session, request.job);
    if (at == no_slot) return {finish_status::not_found, outcome::deleted};
    return millrace::engine::finish(*parts_, client, at, std::move(request));
  });
}

bool engine::withdraw_finish(session_id session, job_id job) {
  require_session(*parts_, session);
  return run_command(*parts_, [&] {
    const slot at = held(*parts_, session, job);
    return at != no_slot && millrace::engine::withdraw_finish(*parts_, at);
  });
}

bool engine::erase(session_id session, job_id id, instant now) {
  require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(id);
    if (at == no_slot) return false;
    job const& record = parts_->jobs[at];
    if (record.state == job_state::reserved) {
      if (held(*parts_, session, id) == no_slot) return false;
      observe_done(*parts_, at);
    }
    delete_job(*parts_, at);
    return true;
  });
}

bool engine::release(session_id session, job_id id, priority new_priority, duration delay, instant now) {
  require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] {
    const slot at = held(*parts_, session, id);
    if (at == no_slot) return false;
    job& record = parts_->jobs[at];
    record.priority = new_priority;
    record.delay = std::max(delay, duration::zero());
    ++parts_->jobs.history_of(at).releases;
    parts_->queue_of(record).counts.released.add();
    if (record.delay > duration::zero()) {
      make_delayed(*parts_, at, record.delay);
    } else {
      make_ready(*parts_, at);
    }
    return true;
  });
}

bool engine::bury(session_id session, job_id id, priority new_priority, instant now) {
  require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] {
    const slot at = held(*parts_, session, id);
    if (at == no_slot) return false;
    parts_->jobs[at].priority = new_priority;
    bury_job(*parts_, at, outcome::failed, reason::client);
    return true;
  });
}

bool engine::touch(session_id session, job_id id, instant now) {
  require_idle_session(*parts_, session);
  return run_command(*parts_, now, [&] {
    const slot at = held(*parts_, session, id);
    if (at == no_slot) return false;
    if (parts_->jobs[at].leased) start_lease(*parts_, at);
    return true;
  });
}

bool engine::cancel(job_id job, instant now) {
  return run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(job);
    if (at == no_slot) return false;
    cancel_job(*parts_, at);
    return true;
  });
}

std::size_t engine::kick(queue_id id, std::size_t bound, kick_from& origin, instant now) {
  return run_command(*parts_, now, [&]() -> std::size_t {
    queue* const found = parts_->queues.find(id);
    if (found == nullptr) return 0;
    if (origin == kick_from::undecided) {
      origin = found->at(job_state::buried).count > 0 ? kick_from::buried : kick_from::delayed;
    }
    const std::size_t most = std::min(bound, moves_per_turn_max);
    std::size_t kicked = 0;
    for (; kicked < most; ++kicked) {
      const slot at = origin == kick_from::buried ? found->at(job_state::buried).first : found->delayed.first();
      if (at == no_slot) break;
      millrace::engine::kick_job(*parts_, at);
    }
    return kicked;
  });
}

bool engine::kick_job(job_id id, instant now) {
  return run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(id);
    if (at == no_slot || !waits_in_queue(parts_->jobs[at].state)) return false;
    millrace::engine::kick_job(*parts_, at);
    return true;
  });
}

std::size_t engine::purge(queue_id id, job_state state, instant entered_until, instant now) {
  assert(state != job_state::reserved);
  return run_command(*parts_, now, [&]() -> std::size_t {
    queue* const found = parts_->queues.find(id);
    if (found == nullptr) return 0;
    std::size_t erased = 0;
    // The queue stays until the end of the command, also without a job and a user.
    for (; erased < moves_per_turn_max; ++erased) {
      slot const at = found->at(state).first;
      if (at == no_slot || parts_->jobs[at].entered_at > entered_until) break;
      delete_job(*parts_, at);
    }
    return erased;
  });
}

void engine::stored(job_id job) {
  if (const slot at = parts_->jobs.find(job); at != no_slot) millrace::engine::stored(*parts_, at);
}

bool engine::wants_bodies() const noexcept { return !parts_->wanted_bodies.empty(); }

void engine::take_wanted_bodies(std::vector<job_id>& into) {
  into.clear();
  std::swap(into, parts_->wanted_bodies);
}

void engine::body_loaded(job_id job, body&& content, instant now) {
  run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(job);
    if (at == no_slot || !parts_->jobs[at].body_requested) return false;
    if (parts_->jobs[at].content.size() == content.size()) {
      millrace::engine::body_loaded(*parts_, at, std::move(content));
    } else {
      millrace::engine::body_lost(*parts_, at);
    }
    return true;
  });
}

void engine::body_lost(job_id job, instant now) {
  run_command(*parts_, now, [&] {
    const slot at = parts_->jobs.find(job);
    if (at == no_slot || !parts_->jobs[at].body_requested) return false;
    millrace::engine::body_lost(*parts_, at);
    return true;
  });
}

void engine::refuse_puts() { parts_->refusing_puts = true; }

void engine::advance(instant now) {
  run_command(*parts_, now, [] { return true; });
}

instant engine::next_deadline() const { return parts_->due.first_due(); }

bool engine::has_events() const noexcept { return !parts_->events.empty(); }

void engine::take_events(std::vector<event>& into) {
  into.clear();
  std::swap(into, parts_->events);
}

void engine::set_disk_check(std::function<bool(std::uint64_t bytes)> disk_check) {
  parts_->disk_check = std::move(disk_check);
}

void engine::observe_states(state_observer* observer) { parts_->observer = observer; }

void engine::collect_changes(bool on) { parts_->collecting = on; }

void engine::take_changes(change_set& into) {
  into.clear();
  std::swap(into, parts_->changes);
}

}  // namespace millrace::engine
