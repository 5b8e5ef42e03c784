#include "engine/admission.hpp"

#include "engine/hand_off.hpp"
#include "engine/moves.hpp"

namespace millrace::engine {

namespace {

demand demand_of(const put_request& what) noexcept { return {.jobs = 1, .bytes = what.content.size()}; }

put_answer refuse(queue& by, reason why, put_status status) {
  by.counts.rejected[static_cast<std::size_t>(why)].add();
  return {status, {}, why};
}

/// False: it has to stay where it is.
bool admit_put(core& all, queue& into, waiting_one& it) {
  if (all.ids_left() == 0) return false;
  auto& what = std::get<put_request>(it.what);
  const auto needed = demand_of(what);
  const auto found = room_in(into, needed, true);
  // Limits may have become smaller than a job that already stood in line: the queue takes it when it is empty.
  if (found != room::free && found != room::after_drops && into.jobs() != 0) return false;
  if (found == room::after_drops) make_room(all, into, needed);

  const std::unique_ptr<waiting_one> admitted{into.putters.leave(it)};
  session& who = all.sessions[it.session];
  who.put = nullptr;
  event told;
  told.what = event::kind::put_admitted;
  told.session = who.id;
  told.id = put_job(all, into, std::move(what));
  all.events.push_back(std::move(told));
  return true;
}

void admit(core& all, queue& into) {
  while (!into.putters.empty()) {
    waiting_one& first = into.putters.first();
    const bool moved = first.job == no_slot ? admit_put(all, into, first) : admit_finish(all, into, first);
    if (!moved) return;
  }
}

void remove_queue(core& all, queue& it) {
  if (it.row != queue_rows::none) {
    all.rows.retire(it.row, it.counts, all.now);
  } else {
    add_counts(all.removed_counts, it.counts);
  }
  // One of that name which comes later is another queue.
  if (it.paused()) all.remember(queue_paused{it.id, no_pause, duration{0}, it.options.durability});
  all.due.clear(it.pause_end);
  all.queues.remove(it);
}

}  // namespace

room room_in(const queue& into, const demand& what, bool first_in_line) {
  if (!into.could_fit(what)) return room::none;
  const bool next = first_in_line || into.putters.empty();
  if (next && into.fits(what)) return room::free;
  switch (into.options.when_full) {
    case overflow::block:
      return room::later;
    case overflow::reject:
      return room::none;
    case overflow::drop_oldest:
      return next && into.fits_after_drops(what) ? room::after_drops : room::none;
  }
  return room::none;
}

void make_room(core& all, queue& in, const demand& what) {
  while (!in.fits(what)) {
    in.counts.finished[static_cast<std::size_t>(outcome::dropped)].add();
    end_job(all, in.at(job_state::ready).first);
  }
}

put_answer put(core& all, session& who, queue& into, put_request&& what) {
  if (all.refusing_puts) return refuse(into, reason::draining, put_status::draining);
  if (all.ids_left() == 0) return refuse(into, reason::overflow, put_status::refused);
  const auto needed = demand_of(what);
  switch (room_in(into, needed, false)) {
    case room::none:
      return refuse(into, into.could_fit(needed) ? reason::overflow : reason::too_large, put_status::refused);
    case room::later: {
      auto waiting = std::make_unique<waiting_one>();
      waiting->session = session_table::place_of(who);
      waiting->what = std::move(what);
      waiting->since = all.now;
      who.put = stand_in_line(into, std::move(waiting));
      return {put_status::waiting, {}};
    }
    case room::after_drops:
      make_room(all, into, needed);
      [[fallthrough]];
    case room::free:
      break;
  }
  return {put_status::inserted, put_job(all, into, std::move(what))};
}

bool withdraw_put(core& all, session& who) {
  if (who.put == nullptr) return false;
  queue& at = all.queues[who.put->queue];
  const std::unique_ptr<waiting_one> gone{at.putters.leave(*who.put)};
  who.put = nullptr;
  look_again(all, at);
  return true;
}

waiting_one* stand_in_line(queue& at, std::unique_ptr<waiting_one> it) {
  it->queue = queue_table::place_of(at);
  at.putters.join(it.get());
  return it.release();
}

void settle_all(core& all) {
  // What is admitted may free room elsewhere: the list grows while it is walked.
  for (std::size_t i = 0; i < all.unsettled.size(); ++i) {
    queue& it = all.queues[all.unsettled[i]];
    it.unsettled = false;
    admit(all, it);
    if (it.idle() && !it.unsettled) remove_queue(all, it);
  }
  all.unsettled.clear();
}

}  // namespace millrace::engine
