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

engine_options limits_for(const duel_options& how) {
  auto all = limits;
  if (how.bodies_on_disk) all.body_memory_max = 150, all.body_prefetch = 4;
  return all;
}

/// None: of a queue.
job_id job_of(const change& one) {
  return std::visit(
      [](const auto& fact) {
        if constexpr (requires { fact.job; }) {
          return fact.job;
        } else {
          return job_id{};
        }
      },
      one);
}

const std::vector<duration> lengths{duration{0},         duration{0}, duration{1}, milliseconds{500}, seconds{1},
                                    milliseconds{1'500}, seconds{2},  seconds{3},  seconds{10}};

}  // namespace

duel::duel(duel_options options) : it_{limits_for(options)}, model_{limits}, options_{options}, random_{options.seed} {
  it_.collect_changes(true);
  if (options_.bodies_on_disk) {
    // Bodies are on the duel's disk whatever their queue is, so no queue may be in memory.
    const queue_options durable{.durability = durability::sync};
    it_.set_queue_defaults(durable);
    model_.defaults = durable;
  }
}

std::string duel::step() {
  ++steps_;
  difference_.clear();
  said_.clear();
  let_time_pass();
  command();
  compare_told();
  if (difference_.empty() && steps_ % options_.compare_every == 0) difference_ = difference(it_, model_);
  return verdict();
}

std::string duel::storm() {
  ++steps_;
  difference_.clear();
  switch (any(5)) {
    case 0:
    case 1:
      put_many(queue());
      break;
    case 2:
      take_many();
      break;
    case 3:
      bury_many();
      break;
    default:
      wait_in_a_crowd();
      break;
  }
  compare_told();
  if (difference_.empty()) difference_ = difference(it_, model_);
  return verdict();
}

std::string duel::verdict() {
  if (difference_.empty()) return {};
  std::ostringstream text;
  text << "seed " << options_.seed << ", step " << steps_ << ", at " << now_.time_since_epoch().count() << ", " << said_
       << ": " << difference_ << "; before:";
  for (const auto& each : history_) text << ' ' << each << ';';
  return text.str();
}

void duel::compare_told() {
  read_bodies();
  it_.take_changes(changes_);
  if (options_.bodies_on_disk) {
    write_bodies();
    // A grant comes after the other events of its command if the body has to be read first. A session gets at most one
    // grant from a command.
    const auto by_session = [](const event& one, const event& other) {
      const auto key = [](const event& it) { return std::pair{it.session, it.type == event::kind::granted}; };
      return key(one) < key(other);
    };
    std::stable_sort(events_.begin(), events_.end(), by_session);
    std::stable_sort(model_.events.begin(), model_.events.end(), by_session);
    // So does the change that says that its job was handed out.
    const auto by_job = [](const change& one, const change& other) { return job_of(one) < job_of(other); };
    std::stable_sort(changes_.begin(), changes_.end(), by_job);
    std::stable_sort(model_.changes.begin(), model_.changes.end(), by_job);
  }
  const auto compare = [this](const char* what, const auto& engine, const auto& model) {
    for (std::size_t i = 0; difference_.empty() && i < std::max(engine.size(), model.size()); ++i) {
      const std::string one = i < engine.size() ? words(engine[i]) : "nothing";
      const std::string other = i < model.size() ? words(model[i]) : "nothing";
      if (one != other) difference_ = std::string{what} + ": engine [" + one + "], model [" + other + "]";
    }
  };
  compare("events", events_, model_.events);
  compare("changes", changes_, model_.changes);
  events_.clear();
  model_.events.clear();
  model_.changes.clear();
}

/// Adds to `events_` what the engine has decided, bodies from disk and all. Requires: the model has run the same
/// command.
void duel::read_bodies() {
  const auto take = [this] {
    it_.take_events(newest_events_);
    std::move(newest_events_.begin(), newest_events_.end(), std::back_inserter(events_));
  };
  take();
  while (it_.wants_bodies()) {
    it_.take_wanted_bodies(wanted_);
    for (const auto job : wanted_) {
      it_.body_came(job, body{disk_.at(job)}, now_);
      // Every command of the engine that is handed the time first does what is due. A group that has ended in the last
      // command has a step due: it cancels its members. The model does that step here, too.
      model_.advance(now_);
    }
    bodies_read_ += wanted_.size();
    take();
  }
}

/// Does what is due now and reads the bodies that this needs. Called before a waiting session is closed: within one
/// command, the engine could give it a job whose body is on disk and take it back, where the model hands the job over.
void duel::settle_bodies() {
  if (options_.bodies_on_disk) do_what_is_due();
}

void duel::do_what_is_due() {
  it_.advance(now_);
  model_.advance(now_);
  read_bodies();
}

/// A job that waits for its body only counts as one that was got at once.
reserve_answer duel::with_body(session_id who, reserve_answer answer) {
  if (!options_.bodies_on_disk || answer.status != reserve_status::waiting) return answer;
  read_bodies();
  const auto mine = [who](const event& one) { return one.session == who && one.type == event::kind::granted; };
  const auto found = std::ranges::find_if(events_, mine);
  if (found == events_.end()) return answer;
  answer = {reserve_status::reserved, std::move(found->job)};
  events_.erase(found);
  return answer;
}

/// What was put is on disk, and said to be so at some later time. Members of a group that cancels its remaining members
/// stay in memory: if such a member were on its way from disk to a session, the engine would cancel it and serve the
/// session with another job, where the model has handed it over and cancels it then. Clients may see either.
void duel::write_bodies() {
  const auto may_be_cancelled = [this](job_id which) {
    const auto found = std::ranges::find(model_.jobs, which, &model::its_job::id);
    if (found == model_.jobs.end()) return false;
    const auto of = std::ranges::find(model_.groups, found->details.group, &model::its_group::id);
    return of != model_.groups.end() && of->asked.remaining == remaining_members::cancel;
  };
  for (const auto job : unsafe_) {
    if (one_in(2) && !may_be_cancelled(job)) it_.stored(job);
  }
  unsafe_.clear();
  for (const auto& one : changes_) {
    if (const auto* put = std::get_if<job_put>(&one)) {
      disk_[put->job] = put->request.content.view();
      unsafe_.push_back(put->job);
    }
    if (const auto* gone = std::get_if<job_gone>(&one)) disk_.erase(gone->job);
  }
}

void duel::let_time_pass() {
  if (one_in(3)) return;
  const instant next = it_.next_deadline();
  if (next != never && next > now_ && one_in(2)) {
    now_ = next - (one_in(3) ? duration{1} : duration{0});
  } else {
    now_ += one_of(lengths) / (one_in(2) ? 10 : 1);
  }
}

/// A queue whose last job expires now would be gone when the command runs.
queue_id duel::queue() {
  do_what_is_due();
  return model_.queues.empty() ? queue_id{} : one_of(model_.queues).id;
}

job_id duel::job() {
  if (model_.jobs.empty() || one_in(12)) return job_id{any(50)};
  return one_of(model_.jobs).id;
}

/// One that `who` holds, if it holds any.
job_id duel::held_job(session_id who) {
  std::vector<job_id> held;
  for (const auto& each : model_.jobs) {
    if (each.holder == who) held.push_back(each.id);
  }
  return held.empty() || one_in(20) ? job() : one_of(held);
}

/// `at_leisure`: one that waits for nothing.
session_id duel::session(bool at_leisure) {
  std::vector<session_id> found;
  for (const auto& each : model_.sessions) {
    const bool puts =
        std::ranges::any_of(model_.line, [&](const auto& it) { return it.session == each.id && !it.job && !it.group; });
    if (!each.closing && !(at_leisure && (each.waits || puts))) found.push_back(each.id);
  }
  return found.empty() ? session_id{} : one_of(found);
}

queue_options duel::options() {
  queue_options some;
  if (options_.small_limits || one_in(8)) {
    some.max_jobs = 1 + any(options_.jobs_about / 4);
    some.max_bytes = one_in(3) ? 600 : 1 + any(options_.jobs_about);
  }
  some.when_full = static_cast<overflow>(any(3));
  if (one_in(4)) some.expire_after = one_of(lengths);
  some.durability = options_.bodies_on_disk || one_in(2) ? durability::sync : durability::memory;
  if (one_in(2)) some.retry = retries();
  if (one_in(2)) some.deliveries_max = static_cast<std::uint32_t>(1 + any(3));
  if (one_in(2)) some.dead_letter = name();
  return some;
}

retry_options duel::retries() {
  retry_options some;
  some.attempts = static_cast<std::uint32_t>(1 + any(5));
  some.backoff = static_cast<backoff>(any(3));
  some.first = milliseconds{1 + any(2'000)};
  some.max = one_in(2) ? milliseconds{1 + any(3'000)} : duration{hours{1}};
  some.jitter = one_in(3) ? 0 : static_cast<double>(any(101)) / 100;
  if (one_in(3)) some.within = milliseconds{1 + any(6'000)};
  return some;
}

put_request duel::request() {
  put_request some;
  some.content = body{std::string(any(one_in(5) ? 12 : 4), static_cast<char>('a' + any(26)))};
  some.priority = one_in(2) ? 1'024 : static_cast<priority>(1'018 + any(12));
  some.delay = one_in(3) ? one_of(lengths) : duration{0};
  some.ttr = one_of(lengths);
  if (one_in(4)) some.expire_after = one_of(lengths);
  if (!model_.groups.empty() && one_in(2)) some.group = one_of(model_.groups).id;
  return some;
}

finish_request duel::finish() {
  finish_request what;
  what.result = one_in(3) ? static_cast<outcome>(any(4)) : outcome::ok;
  if (one_in(2)) what.result_text = "result " + std::to_string(any(10));
  if (one_in(2)) what.error_text = "error " + std::to_string(any(10));
  if (one_in(8)) what.result = outcome::later;
  what.later_after = one_in(3) ? duration{0} : milliseconds{any(3'000)};
  if (one_in(8)) what.result = outcome::interrupted;
  if (one_in(2)) what.deliveries_max = static_cast<std::uint32_t>(any(4));
  what.is_final = one_in(6);
  what.over_limit = one_in(6);
  if (one_in(3)) what.retry = retries();
  if (one_in(3)) what.dead_letter = queue();
  for (std::size_t n = one_in(2) ? any(4) : 0; n > 0; --n) what.outputs.push_back({queue(), request()});
  return what;
}

}  // namespace millrace::engine::testing
