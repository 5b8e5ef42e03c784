// Bodies come late, twice, wrong or not at all, while sessions run random commands: no session waits for ever, and no
// removed job counts.
#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

constexpr std::array<std::string_view, 3> names{"a", "b", "c"};

class storm {
 public:
  storm(unsigned seed, std::uint64_t memory_max) : random_{seed}, fixture_{limits_of(memory_max)} {
    fixture_.engine.collect_changes(true);
    fixture_.engine.declare("a", {.durability = durability::sync}).value();
    fixture_.engine.declare("b", {.max_jobs = 40, .when_full = overflow::drop_oldest, .durability = durability::sync})
        .value();
    fixture_.engine.declare("c", {.max_jobs = 30, .when_full = overflow::block, .durability = durability::sync})
        .value();
    for (int n = 0; n < 6; ++n) sessions_.push_back(fixture_.session({"a", "b", "c"}));
  }

  void act() {
    run_command();
    take_results();
    if (below(3) != 0) run_disk();
  }

  /// Every session that waits for a body gets an answer once the disk has answered all requests.
  void answer_all() {
    while (!requested_.empty()) run_disk();
    for (const auto session : sessions_) CHECK_FALSE(fixture_.engine.awaits_body(session));
  }

  void end() {
    for (const auto session : sessions_) {
      while (!fixture_.engine.close_session(session, fixture_.now)) {
      }
      take_results();
    }
    answer_all();
    const auto eraser = fixture_.session();
    for (const auto& [job, text] : texts_) fixture_.engine.erase(eraser, job, fixture_.now);
    CHECK(requests_ > 100);
    CHECK(fixture_.engine.job_count() == 0);
    CHECK(fixture_.engine.bytes_of_bodies() == 0);
  }

 private:
  static engine_options limits_of(std::uint64_t memory_max) {
    engine_options limits;
    limits.body_memory_max = memory_max;
    limits.body_prefetch = 8;
    return limits;
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  session_id& pick_session() { return sessions_[below(sessions_.size())]; }
  bool is_busy(session_id session) const { return waiting_.contains(session); }

  void put(session_id session) {
    fixture_.engine.use(session, names[below(3)]).value();
    std::string text(below(10) == 0 ? 0 : below(2'000), static_cast<char>('a' + below(26)));
    put_request request{.content = body{text}, .priority = static_cast<priority>(below(3))};
    request.delay = below(5) == 0 ? seconds{1 + below(3)} : seconds{0};
    request.ttr = seconds{2 + below(5)};
    const auto answer = fixture_.engine.put(session, fixture_.engine.used(session), std::move(request), fixture_.now);
    if (answer.status == put_status::waiting) waiting_.insert(session);
  }

  void run_command() {
    session_id& session = pick_session();
    const auto kind = below(20);
    if (kind == 0) {
      while (!fixture_.engine.close_session(session, fixture_.now)) {
      }
      waiting_.erase(session);
      held_.erase(session);
      session = fixture_.session({"a", "b", "c"});
    } else if (kind == 1) {
      fixture_.pass(milliseconds{below(1'500)});
    } else if (is_busy(session)) {
      if (below(4) != 0) return;
      if (fixture_.engine.withdraw_reserve(session) || fixture_.engine.withdraw_put(session)) waiting_.erase(session);
    } else if (kind < 9) {
      put(session);
    } else if (kind < 13) {
      const auto until = below(2) == 0 ? fixture_.now : fixture_.now + seconds{below(3)};
      auto answer =
          fixture_.engine.reserve(session, below(4) == 0 ? lease::unlimited : lease::ttr, until, fixture_.now);
      handle_answer(session, answer);
    } else if (kind < 15 && !texts_.empty()) {
      const auto job = pick_job();
      if (below(3) == 0) {
        fixture_.engine.kick_job(job, fixture_.now);
      } else {
        handle_answer(session, fixture_.engine.reserve_job(session, job, fixture_.now));
      }
    } else if (kind == 15) {
      auto from = millrace::engine::engine::kick_from::undecided;
      fixture_.engine.kick(fixture_.queue(names[below(3)]), below(20), from, fixture_.now);
    } else if (kind == 16) {
      CHECK(fixture_.engine.pause(fixture_.queue(names[below(3)]), seconds{below(2)}, fixture_.now).has_value());
    } else if (!held_[session].empty()) {
      give_back(session);
    } else if (!texts_.empty()) {
      fixture_.engine.erase(session, pick_job(), fixture_.now);
    }
  }

  job_id pick_job() { return std::next(texts_.begin(), static_cast<std::ptrdiff_t>(below(texts_.size())))->first; }

  void handle_answer(session_id session, const reserve_answer& answer) {
    if (answer.status == reserve_status::waiting) waiting_.insert(session);
    if (answer.status == reserve_status::reserved) check_granted(session, answer.job);
  }
  void check_granted(session_id session, const reserved_job& job) {
    // The job may be a put of the present command.
    take_puts();
    CHECK(texts_.at(job.job) == job.content.view());
    held_[session].push_back(job.job);
  }

  void give_back(session_id session) {
    auto& jobs = held_[session];
    const auto job = jobs.back();
    jobs.pop_back();
    switch (below(5)) {
      case 0:
        fixture_.engine.erase(session, job, fixture_.now);
        break;
      case 1:
        fixture_.engine.release(session, job, static_cast<priority>(below(3)), seconds{below(2)}, fixture_.now);
        break;
      case 2:
        fixture_.engine.bury(session, job, 1, fixture_.now);
        break;
      case 3:
        // It may wait for capacity. Then the next finish of the job replaces it.
        fixture_.finish(session, job,
                        {.outputs = {{fixture_.queue(names[below(3)]), {.content = body{"made of it"}}}}});
        break;
      default:
        fixture_.finish(session, job,
                        {.result = outcome::failed, .error_text = "no", .dead_letter = fixture_.queue("b")});
    }
  }

  void take_puts() {
    change_set changes;
    fixture_.engine.take_changes(changes);
    for (const auto& change : changes) {
      if (const auto* put = std::get_if<job_put>(&change)) {
        texts_[put->job] = put->request.content.view();
        unstored_.push_back(put->job);
      }
    }
  }

  void take_results() {
    take_puts();
    std::vector<event> events;
    fixture_.engine.take_events(events);
    for (const auto& event : events) {
      if (event.type == event::kind::finish_done) continue;
      waiting_.erase(event.session);
      if (event.type == event::kind::granted) check_granted(event.session, event.job);
    }
    std::vector<job_id> wanted;
    fixture_.engine.take_wanted_bodies(wanted);
    requested_.insert(requested_.end(), wanted.begin(), wanted.end());
    requests_ += wanted.size();
  }

  /// Reports one job as stored, and answers one request.
  void run_disk() {
    if (!unstored_.empty() && below(2) == 0) {
      fixture_.engine.stored(unstored_.front());
      unstored_.erase(unstored_.begin());
    }
    if (requested_.empty()) return;
    const auto place = requested_.begin() + static_cast<std::ptrdiff_t>(below(requested_.size()));
    const auto job = *place;
    requested_.erase(place);
    const auto draw = below(20);
    if (draw == 0) {
      fixture_.engine.body_lost(job, fixture_.now);
    } else if (draw == 1) {
      fixture_.engine.body_loaded(job, body{texts_.at(job) + "?"}, fixture_.now);
    } else {
      fixture_.engine.body_loaded(job, body{texts_.at(job)}, fixture_.now);
      if (draw == 2) fixture_.engine.body_loaded(job, body{texts_.at(job)}, fixture_.now);
    }
    take_results();
  }

  std::mt19937 random_;
  engine_fixture fixture_;
  std::vector<session_id> sessions_;
  std::set<session_id> waiting_;
  std::map<session_id, std::vector<job_id>> held_;
  std::map<job_id, std::string> texts_;  ///< of all jobs that were ever put
  std::vector<job_id> unstored_, requested_;
  std::size_t requests_{0};
};

}  // namespace

TEST_CASE("whatever becomes of bodies on disk, nobody waits for ever and nothing that is gone counts") {
  const auto seed = std::random_device{}();
  const auto memory_max = GENERATE(std::uint64_t{0}, std::uint64_t{3'000}, std::uint64_t{30'000});
  INFO("seed " << seed << ", memory " << memory_max);
  storm storm{seed, memory_max};
  for (int n = 0; n < 20'000; ++n) {
    storm.act();
    if (n % 1'000 == 0) storm.answer_all();
  }
  storm.end();
}
