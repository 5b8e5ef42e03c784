#include "engine/duel.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <sstream>

namespace millrace::engine::testing {

namespace {

const engine_options limits{.queues_max = 6,
                            .watched_queues_max = 4,
                            .queue_rows_max = 2,
                            .metrics_linger = seconds{5},
                            .groups_max = 5,
                            .group_members_max = 6,
                            .groups_ended_kept = 2,
                            .group_open_max = seconds{20},
                            .group_texts_bytes_max = 30};

engine_options limits_for(const duel_options& options) {
  auto changed = limits;
  if (options.bodies_on_disk) changed.body_memory_max = 150, changed.body_prefetch = 4;
  return changed;
}

/// None: the change is of a queue.
job_id job_of(const change& change) {
  return std::visit(
      [](const auto& fact) {
        if constexpr (requires { fact.job; }) {
          return fact.job;
        } else {
          return job_id{};
        }
      },
      change);
}

const std::vector<duration> lengths{duration{0},         duration{0}, duration{1}, milliseconds{500}, seconds{1},
                                    milliseconds{1'500}, seconds{2},  seconds{3},  seconds{10}};

}  // namespace

duel::duel(duel_options options)
    : engine_{limits_for(options)}, model_{limits}, options_{options}, random_{options.seed} {
  engine_.collect_changes(true);
  if (options_.bodies_on_disk) {
    // The disk of the duel holds the bodies of all queues, so every queue must be durable.
    const queue_options durable{.durability = durability::sync};
    engine_.set_queue_defaults(durable);
    model_.defaults = durable;
  }
}

std::string duel::run_step() {
  ++steps_;
  difference_.clear();
  last_command_.clear();
  advance_clock();
  run_command();
  compare_events_and_changes();
  if (difference_.empty() && steps_ % options_.steps_per_comparison == 0) difference_ = difference(engine_, model_);
  return describe_difference();
}

std::string duel::run_storm() {
  ++steps_;
  difference_.clear();
  switch (random_below(5)) {
    case 0:
    case 1:
      put_many(pick_queue());
      break;
    case 2:
      reserve_many();
      break;
    case 3:
      bury_many();
      break;
    default:
      make_crowd_wait();
      break;
  }
  compare_events_and_changes();
  if (difference_.empty()) difference_ = difference(engine_, model_);
  return describe_difference();
}

std::string duel::describe_difference() {
  if (difference_.empty()) return {};
  std::ostringstream text;
  text << "seed " << options_.seed << ", step " << steps_ << ", at " << now_.time_since_epoch().count() << ", "
       << last_command_ << ": " << difference_ << "; before:";
  for (const auto& command : history_) text << ' ' << command << ';';
  return text.str();
}

void duel::compare_events_and_changes() {
  read_bodies();
  engine_.take_changes(changes_);
  if (options_.bodies_on_disk) {
    store_bodies();
    // A grant comes after the other events of its command if the body has to be read first. A session gets at most one
    // grant from a command.
    const auto by_session = [](const event& left, const event& right) {
      const auto key = [](const event& each) { return std::pair{each.session, each.type == event::kind::granted}; };
      return key(left) < key(right);
    };
    std::stable_sort(events_.begin(), events_.end(), by_session);
    std::stable_sort(model_.events.begin(), model_.events.end(), by_session);
    // So does the change that records the hand-out of its job.
    const auto by_job = [](const change& left, const change& right) { return job_of(left) < job_of(right); };
    std::stable_sort(changes_.begin(), changes_.end(), by_job);
    std::stable_sort(model_.changes.begin(), model_.changes.end(), by_job);
  }
  const auto compare = [this](const char* kind, const auto& engine_list, const auto& model_list) {
    for (std::size_t i = 0; difference_.empty() && i < std::max(engine_list.size(), model_list.size()); ++i) {
      const std::string engine_text = i < engine_list.size() ? text_of(engine_list[i]) : "nothing";
      const std::string model_text = i < model_list.size() ? text_of(model_list[i]) : "nothing";
      if (engine_text != model_text)
        difference_ = std::string{kind} + ": engine [" + engine_text + "], model [" + model_text + "]";
    }
  };
  compare("events", events_, model_.events);
  compare("changes", changes_, model_.changes);
  events_.clear();
  model_.events.clear();
  model_.changes.clear();
}

/// Adds the engine's decisions to `events_`, with those that need bodies from disk. Requires: the model has run the
/// same command.
void duel::read_bodies() {
  const auto take_events = [this] {
    engine_.take_events(newest_events_);
    std::move(newest_events_.begin(), newest_events_.end(), std::back_inserter(events_));
  };
  take_events();
  while (engine_.wants_bodies()) {
    engine_.take_wanted_bodies(wanted_bodies_);
    for (const auto job : wanted_bodies_) {
      engine_.body_loaded(job, body{disk_.at(job)}, now_);
      // Every command of the engine with a time first does the due steps. A group that has ended in the last command
      // has a due step: it cancels its members. The model does that step here, too.
      model_.advance(now_);
    }
    bodies_read_ += wanted_bodies_.size();
    take_events();
  }
}

/// Does the due steps and reads the bodies that they need. Called before a waiting session is closed: within one
/// command, the engine could give the session a job whose body is on disk and take the job back, where the model hands
/// the job over.
void duel::read_due_bodies() {
  if (options_.bodies_on_disk) do_due_steps();
}

void duel::do_due_steps() {
  engine_.advance(now_);
  model_.advance(now_);
  read_bodies();
}

/// Completes a reserve that waits only for a body: the model has all bodies, so its answer is `reserved` at once.
reserve_answer duel::await_body(session_id session, reserve_answer answer) {
  if (!options_.bodies_on_disk || answer.status != reserve_status::waiting) return answer;
  read_bodies();
  const auto is_its_grant = [session](const event& each) {
    return each.session == session && each.type == event::kind::granted;
  };
  const auto found = std::ranges::find_if(events_, is_its_grant);
  if (found == events_.end()) return answer;
  answer = {reserve_status::reserved, std::move(found->job)};
  events_.erase(found);
  return answer;
}

/// Writes the bodies of new jobs to disk, and reports some of the earlier ones to the engine as stored. Members of a
/// group that cancels its remaining members stay in memory: if such a member were on its way from disk to a session,
/// the engine would cancel it and serve the session with another job, where the model has handed it over and cancels it
/// then. Clients may see either.
void duel::store_bodies() {
  const auto may_be_cancelled = [this](job_id id) {
    const auto job = std::ranges::find(model_.jobs, id, &model_job::id);
    if (job == model_.jobs.end()) return false;
    const auto group = std::ranges::find(model_.groups, job->details.group, &model_group::id);
    return group != model_.groups.end() && group->cancels_rest();
  };
  for (const auto job : unsafe_) {
    if (one_in(2) && !may_be_cancelled(job)) engine_.stored(job);
  }
  unsafe_.clear();
  for (const auto& each : changes_) {
    if (const auto* put = std::get_if<job_put>(&each)) {
      disk_[put->job] = put->request.content.view();
      unsafe_.push_back(put->job);
    }
    if (const auto* gone = std::get_if<job_gone>(&each)) disk_.erase(gone->job);
  }
}

void duel::advance_clock() {
  if (one_in(3)) return;
  const instant next = engine_.next_deadline();
  if (next != never && next > now_ && one_in(2)) {
    now_ = next - (one_in(3) ? duration{1} : duration{0});
  } else {
    now_ += pick(lengths) / (one_in(2) ? 10 : 1);
  }
}

/// The due steps come first: they may remove a queue, which the command would not find.
queue_id duel::pick_queue() {
  do_due_steps();
  return model_.queues.empty() ? queue_id{} : pick(model_.queues).id;
}

job_id duel::pick_job() {
  if (model_.jobs.empty() || one_in(12)) return job_id{random_below(50)};
  return pick(model_.jobs).id;
}

/// Mostly one that the session holds, if it holds any.
job_id duel::pick_held_job(session_id session) {
  std::vector<job_id> held;
  for (const auto& job : model_.jobs) {
    if (job.holder == session) held.push_back(job.id);
  }
  return held.empty() || one_in(20) ? pick_job() : pick(held);
}

session_id duel::pick_session(bool must_be_free) {
  std::vector<session_id> found;
  for (const auto& session : model_.sessions) {
    const bool has_waiting_put = std::ranges::any_of(model_.capacity_waiters, [&](const capacity_waiter& waiter) {
      return waiter.session == session.id && !waiter.job && !waiter.group;
    });
    const bool is_free = !session.waits && !has_waiting_put;
    if (!session.closing && (is_free || !must_be_free)) found.push_back(session.id);
  }
  return found.empty() ? session_id{} : pick(found);
}

queue_options duel::make_queue_options() {
  queue_options options;
  if (options_.small_limits || one_in(8)) {
    options.max_jobs = 1 + random_below(options_.typical_jobs / 4);
    options.max_bytes = one_in(3) ? 600 : 1 + random_below(options_.typical_jobs);
  }
  options.when_full = static_cast<overflow>(random_below(3));
  if (one_in(4)) options.expire_after = pick(lengths);
  options.durability = options_.bodies_on_disk || one_in(2) ? durability::sync : durability::memory;
  if (one_in(2)) options.retry = make_retry_options();
  if (one_in(2)) options.deliveries_max = static_cast<std::uint32_t>(1 + random_below(3));
  if (one_in(2)) options.dead_letter = pick_name();
  return options;
}

retry_options duel::make_retry_options() {
  retry_options options;
  options.attempts = static_cast<std::uint32_t>(1 + random_below(5));
  options.backoff = static_cast<backoff>(random_below(3));
  options.first = milliseconds{1 + random_below(2'000)};
  options.max = one_in(2) ? milliseconds{1 + random_below(3'000)} : duration{hours{1}};
  options.jitter = one_in(3) ? 0 : static_cast<double>(random_below(101)) / 100;
  if (one_in(3)) options.within = milliseconds{1 + random_below(6'000)};
  return options;
}

put_request duel::make_put_request() {
  put_request request;
  request.content = body{std::string(random_below(one_in(5) ? 12 : 4), static_cast<char>('a' + random_below(26)))};
  request.priority = one_in(2) ? 1'024 : static_cast<priority>(1'018 + random_below(12));
  request.delay = one_in(3) ? pick(lengths) : duration{0};
  request.ttr = pick(lengths);
  if (one_in(4)) request.expire_after = pick(lengths);
  if (!model_.groups.empty() && one_in(2)) request.group = pick(model_.groups).id;
  return request;
}

finish_request duel::make_finish_request() {
  finish_request request;
  request.result = one_in(3) ? static_cast<outcome>(random_below(4)) : outcome::ok;
  if (one_in(2)) request.result_text = "result " + std::to_string(random_below(10));
  if (one_in(2)) request.error_text = "error " + std::to_string(random_below(10));
  if (one_in(8)) request.result = outcome::later;
  request.later_after = one_in(3) ? duration{0} : milliseconds{random_below(3'000)};
  if (one_in(8)) request.result = outcome::interrupted;
  if (one_in(2)) request.deliveries_max = static_cast<std::uint32_t>(random_below(4));
  request.is_final = one_in(6);
  request.over_limit = one_in(6);
  if (one_in(3)) request.retry = make_retry_options();
  if (one_in(3)) request.dead_letter = pick_queue();
  for (std::size_t n = one_in(2) ? random_below(4) : 0; n > 0; --n)
    request.outputs.push_back({pick_queue(), make_put_request()});
  return request;
}

}  // namespace millrace::engine::testing
