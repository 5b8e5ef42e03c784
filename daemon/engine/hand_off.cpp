#include "engine/hand_off.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

#include "engine/admission.hpp"
#include "engine/moves.hpp"

namespace millrace::engine {

namespace {

/// What the leaving of job `it` means for room in `into`.
demand leaving(const job& it, slot into) noexcept {
  if (it.queue != into) return {.jobs = 0};
  return {.jobs = 0, .leaving_jobs = 1, .leaving_bytes = it.content.size()};
}

/// Fills `all.demands`, one for each queue. False if an output names no queue.
bool add_up(core& all, const job& it, const std::vector<output>& outputs) {
  all.demands.clear();
  for (const output& out : outputs) {
    if (all.queues.find(out.queue) == nullptr) return false;
    const slot into = queue_table::place_of(out.queue);
    auto found = std::ranges::find(all.demands, into, &std::pair<slot, demand>::first);
    if (found == all.demands.end()) found = all.demands.insert(found, {into, leaving(it, into)});
    ++found->second.jobs;
    found->second.bytes += out.job.content.size();
  }
  return true;
}

struct verdict {
  room found{room::free};
  slot where{no_slot};  ///< `later`: in whose line
};

/// All or none: one queue without room refuses or holds up the whole finish. `here` is where it stands first in line.
verdict room_for_all(core& all, const job& it, const std::vector<output>& outputs, slot here) {
  if (outputs.empty()) return {};
  if (all.ids_left() < outputs.size() || !add_up(all, it, outputs)) return {room::none, no_slot};
  verdict all_of_them;
  for (const auto& [into, needed] : all.demands) {
    // Where the job itself makes the room, it need not wait behind others: they wait for just such a job to leave.
    const bool first = into == here || into == it.queue;
    switch (room_in(all.queues[into], needed, first)) {
      case room::none:
        return {room::none, into};
      case room::later:
        if (all_of_them.found != room::later) all_of_them = {room::later, into};
        break;
      case room::after_drops:
      case room::free:
        break;
    }
  }
  return all_of_them;
}

void complete(core& all, slot at, finish_request&& what) {
  queue& from = all.queue_of(all.jobs[at]);
  observe_done(all, at);
  from.counts.finished[static_cast<std::size_t>(outcome::ok)].add();
  end_job(all, at);
  if (what.outputs.empty()) return;
  for (const auto& [into, needed] : all.demands) {
    make_room(all, all.queues[into], {.jobs = needed.jobs, .bytes = needed.bytes});
  }
  for (output& out : what.outputs) put_job(all, *all.queues.find(out.queue), std::move(out.job));
}

std::string shortened(std::string&& text) {
  if (text.size() > error_text_bytes_max) {
    auto end = error_text_bytes_max;
    // Not in the middle of a UTF-8 character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
    text.resize(end);
    text.shrink_to_fit();
  }
  return std::move(text);
}

reason reason_of(outcome result) noexcept {
  switch (result) {
    case outcome::timeout:
      return reason::timeout;
    case outcome::cancelled:
      return reason::cancelled;
    default:
      return reason::failed;
  }
}

bool dead_letter(core& all, slot at, queue_id letters, reason why, failure_record& failure) {
  queue* const into = all.queues.find(letters);
  if (into == nullptr || all.ids_left() == 0) return false;
  const job& it = all.jobs[at];
  const slot place = queue_table::place_of(letters);
  auto needed = leaving(it, place);
  needed.jobs = 1;
  needed.bytes = it.content.size();
  const auto found = room_in(*into, needed, place == it.queue);
  if (found == room::later || found == room::none) return false;

  all.queue_of(it).counts.dead_lettered[static_cast<std::size_t>(why)].add();
  put_request letter{.content = it.content.content(), .urgency = it.urgency, .delay = duration{0}, .ttr = it.ttr};
  end_job(all, at);
  make_room(all, *into, {.jobs = 1, .bytes = letter.content.size()});
  put_job(all, *into, std::move(letter), std::move(failure));
  return true;
}

finish_answer fail(core& all, slot at, outcome result, reason why, finish_request&& what) {
  queue& from = all.queue_of(all.jobs[at]);
  observe_done(all, at);
  from.counts.finished[static_cast<std::size_t>(result)].add();
  failure_record failure{.failures = all.jobs.history_if_any(at).failures,
                         .error_text = shortened(std::move(what.error_text))};
  // A drain or a cancellation is no failure of the job.
  if (result != outcome::cancelled) ++failure.failures;
  if (what.dead_letter && dead_letter(all, at, *what.dead_letter, why, failure)) {
    return {finish_status::dead_lettered, result};
  }
  from.counts.buried[static_cast<std::size_t>(why)].add();
  job_history& history = all.jobs.history_of(at);
  ++history.buries;
  history.failures = failure.failures;
  history.error_text = std::move(failure.error_text);
  make_buried(all, at);
  return {finish_status::buried, result};
}

finish_answer fail_for_room(core& all, slot at, finish_request&& what) {
  what.error_text = all.ids_left() < what.outputs.size() ? "no job ids are left" : "an output queue is full";
  return fail(all, at, outcome::failed, reason::output_full, std::move(what));
}

/// Takes it out of the line and off the job.
std::unique_ptr<waiting_one> take_out(core& all, waiting_one& it) {
  all.jobs[it.job].has_waiting = false;
  all.jobs.history_of(it.job).finish = nullptr;
  return std::unique_ptr<waiting_one>{all.queues[it.queue].putters.leave(it)};
}

void stand(core& all, std::unique_ptr<waiting_one> it, slot where) {
  const slot at = it->job;
  all.jobs[at].has_waiting = true;
  all.jobs.history_of(at).finish = stand_in_line(all.queues[where], std::move(it));
}

void tell_done(core& all, session_id who, job_id id, finish_answer answer) {
  event told;
  told.what = event::kind::finish_done;
  told.session = who;
  told.id = id;
  told.finish = answer;
  all.events.push_back(std::move(told));
}

}  // namespace

finish_answer finish(core& all, session& who, slot at, finish_request&& what) {
  assert(what.result != outcome::dropped && what.result != outcome::deleted);
  if (all.jobs[at].has_waiting) forget_waiting_finish(all, at);
  if (what.result != outcome::ok) return fail(all, at, what.result, reason_of(what.result), std::move(what));
  const auto [found, where] = room_for_all(all, all.jobs[at], what.outputs, no_slot);
  switch (found) {
    case room::none:
      return fail_for_room(all, at, std::move(what));
    case room::later: {
      auto waiting = std::make_unique<waiting_one>();
      waiting->session = session_table::place_of(who);
      waiting->job = at;
      waiting->what = std::move(what);
      waiting->since = all.now;
      stand(all, std::move(waiting), where);
      return {finish_status::waiting, outcome::ok};
    }
    case room::after_drops:
    case room::free:
      break;
  }
  complete(all, at, std::move(what));
  return {finish_status::done, outcome::ok};
}

bool admit_finish(core& all, queue& here, waiting_one& it) {
  auto& what = std::get<finish_request>(it.what);
  const slot at = it.job;
  const slot place = queue_table::place_of(here);
  const auto [found, where] = room_for_all(all, all.jobs[at], what.outputs, place);
  if (found == room::later && where == place) return false;

  auto taken = take_out(all, it);
  if (found == room::later) {
    stand(all, std::move(taken), where);
    return true;
  }
  const session_id who = all.sessions[it.session].id;
  const job_id id = all.jobs[at].id;
  finish_answer answer{finish_status::done, outcome::ok};
  if (found == room::none) {
    answer = fail_for_room(all, at, std::move(what));
  } else {
    complete(all, at, std::move(what));
  }
  tell_done(all, who, id, answer);
  return true;
}

bool withdraw_finish(core& all, slot at) {
  if (!all.jobs[at].has_waiting) return false;
  const auto gone = take_out(all, *all.jobs.history_of(at).finish);
  look_again(all, all.queues[gone->queue]);
  return true;
}

void forget_waiting_finish(core& all, slot at) {
  const session_id who = all.sessions[all.jobs[at].holder].id;
  withdraw_finish(all, at);
  tell_done(all, who, all.jobs[at].id, {finish_status::not_found, outcome::deleted});
}

}  // namespace millrace::engine
