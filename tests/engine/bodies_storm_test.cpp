// Bodies that come late, twice, wrong or not at all, under sessions that do as they like: nobody waits for ever, and
// nothing is counted that is gone.
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
  storm(unsigned seed, std::uint64_t room) : random_{seed}, fixture_{limits_of(room)} {
    fixture_.engine.collect_changes(true);
    fixture_.engine.declare("a", {.durability = durability::sync}).value();
    fixture_.engine.declare("b", {.max_jobs = 40, .when_full = overflow::drop_oldest, .durability = durability::sync})
        .value();
    fixture_.engine.declare("c", {.max_jobs = 30, .when_full = overflow::block, .durability = durability::sync})
        .value();
    for (int n = 0; n < 6; ++n) sessions_.push_back(fixture_.session({"a", "b", "c"}));
  }

  void act() {
    command();
    take_what_happened();
    if (below(3) != 0) disk();
  }

  /// All who wait for a body get an answer when the disk has said all that it was asked.
  void answer_all() {
    while (!asked_.empty()) disk();
    for (const auto who : sessions_) CHECK_FALSE(fixture_.engine.awaits_body(who));
  }

  void end() {
    for (const auto who : sessions_) {
      while (!fixture_.engine.close_session(who, fixture_.now)) {
      }
      take_what_happened();
    }
    answer_all();
    const auto last = fixture_.session();
    for (const auto& [job, text] : kept_) fixture_.engine.erase(last, job, fixture_.now);
    CHECK(asked_in_all_ > 100);
    CHECK(fixture_.engine.job_count() == 0);
    CHECK(fixture_.engine.bytes_of_bodies() == 0);
  }

 private:
  static engine_options limits_of(std::uint64_t room) {
    engine_options limits;
    limits.body_memory_max = room;
    limits.body_prefetch = 8;
    return limits;
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  session_id& some_session() { return sessions_[below(sessions_.size())]; }
  bool is_busy(session_id who) const { return waits_.contains(who); }

  void put(session_id who) {
    fixture_.engine.use(who, names[below(3)]).value();
    std::string text(below(10) == 0 ? 0 : below(2'000), static_cast<char>('a' + below(26)));
    put_request request{.content = body{text}, .priority = static_cast<priority>(below(3))};
    request.delay = below(5) == 0 ? seconds{1 + below(3)} : seconds{0};
    request.ttr = seconds{2 + below(5)};
    const auto answer = fixture_.engine.put(who, fixture_.engine.used(who), std::move(request), fixture_.now);
    if (answer.status == put_status::waiting) waits_.insert(who);
  }

  void command() {
    session_id& who = some_session();
    const auto kind = below(20);
    if (kind == 0) {
      while (!fixture_.engine.close_session(who, fixture_.now)) {
      }
      waits_.erase(who);
      held_.erase(who);
      who = fixture_.session({"a", "b", "c"});
    } else if (kind == 1) {
      fixture_.pass(milliseconds{below(1'500)});
    } else if (is_busy(who)) {
      if (below(4) != 0) return;
      if (fixture_.engine.withdraw_reserve(who) || fixture_.engine.withdraw_put(who)) waits_.erase(who);
    } else if (kind < 9) {
      put(who);
    } else if (kind < 13) {
      const auto until = below(2) == 0 ? fixture_.now : fixture_.now + seconds{below(3)};
      auto answer = fixture_.engine.reserve(who, below(4) == 0 ? lease::unlimited : lease::ttr, until, fixture_.now);
      took(who, answer);
    } else if (kind < 15 && !kept_.empty()) {
      const auto job = some_job();
      if (below(3) == 0) {
        fixture_.engine.kick_job(job, fixture_.now);
      } else {
        took(who, fixture_.engine.reserve_job(who, job, fixture_.now));
      }
    } else if (kind == 15) {
      auto from = millrace::engine::engine::kick_from::undecided;
      fixture_.engine.kick(fixture_.queue(names[below(3)]), below(20), from, fixture_.now);
    } else if (kind == 16) {
      CHECK(fixture_.engine.pause(fixture_.queue(names[below(3)]), seconds{below(2)}, fixture_.now).has_value());
    } else if (!held_[who].empty()) {
      let_go(who);
    } else if (!kept_.empty()) {
      fixture_.engine.erase(who, some_job(), fixture_.now);
    }
  }

  job_id some_job() { return std::next(kept_.begin(), static_cast<std::ptrdiff_t>(below(kept_.size())))->first; }

  void took(session_id who, const reserve_answer& answer) {
    if (answer.status == reserve_status::waiting) waits_.insert(who);
    if (answer.status == reserve_status::reserved) got(who, answer.job);
  }
  void got(session_id who, const reserved_job& job) {
    // A put of this very command is not among the kept ones yet.
    take_puts();
    CHECK(kept_.at(job.job) == job.content.view());
    held_[who].push_back(job.job);
  }

  void let_go(session_id who) {
    auto& mine = held_[who];
    const auto job = mine.back();
    mine.pop_back();
    switch (below(5)) {
      case 0:
        fixture_.engine.erase(who, job, fixture_.now);
        break;
      case 1:
        fixture_.engine.release(who, job, static_cast<priority>(below(3)), seconds{below(2)}, fixture_.now);
        break;
      case 2:
        fixture_.engine.bury(who, job, 1, fixture_.now);
        break;
      case 3:
        // May wait for room: its answer is of no interest here, and another finish takes its place.
        fixture_.finish(who, job, {.outputs = {{fixture_.queue(names[below(3)]), {.content = body{"made of it"}}}}});
        break;
      default:
        fixture_.finish(who, job, {.result = outcome::failed, .error_text = "no", .dead_letter = fixture_.queue("b")});
    }
  }

  void take_puts() {
    change_set changes;
    fixture_.engine.take_changes(changes);
    for (const auto& one : changes) {
      if (const auto* put = std::get_if<job_put>(&one)) {
        kept_[put->job] = put->request.content.view();
        unsafe_.push_back(put->job);
      }
    }
  }

  void take_what_happened() {
    take_puts();
    std::vector<event> events;
    fixture_.engine.take_events(events);
    for (const auto& one : events) {
      if (one.type == event::kind::finish_done) continue;
      waits_.erase(one.session);
      if (one.type == event::kind::granted) got(one.session, one.job);
    }
    std::vector<job_id> wanted;
    fixture_.engine.take_wanted_bodies(wanted);
    asked_.insert(asked_.end(), wanted.begin(), wanted.end());
    asked_in_all_ += wanted.size();
  }

  /// Makes something safe, and answers one of those that were asked for.
  void disk() {
    if (!unsafe_.empty() && below(2) == 0) {
      fixture_.engine.stored(unsafe_.front());
      unsafe_.erase(unsafe_.begin());
    }
    if (asked_.empty()) return;
    const auto place = asked_.begin() + static_cast<std::ptrdiff_t>(below(asked_.size()));
    const auto job = *place;
    asked_.erase(place);
    const auto draw = below(20);
    if (draw == 0) {
      fixture_.engine.body_lost(job, fixture_.now);
    } else if (draw == 1) {
      fixture_.engine.body_came(job, body{kept_.at(job) + "?"}, fixture_.now);
    } else {
      fixture_.engine.body_came(job, body{kept_.at(job)}, fixture_.now);
      if (draw == 2) fixture_.engine.body_came(job, body{kept_.at(job)}, fixture_.now);
    }
    take_what_happened();
  }

  std::mt19937 random_;
  engine_fixture fixture_;
  std::vector<session_id> sessions_;
  std::set<session_id> waits_;
  std::map<session_id, std::vector<job_id>> held_;
  std::map<job_id, std::string> kept_;  ///< all there ever were
  std::vector<job_id> unsafe_, asked_;
  std::size_t asked_in_all_{0};
};

}  // namespace

TEST_CASE("whatever becomes of bodies on disk, nobody waits for ever and nothing that is gone counts") {
  const auto seed = std::random_device{}();
  const auto room = GENERATE(std::uint64_t{0}, std::uint64_t{3'000}, std::uint64_t{30'000});
  INFO("seed " << seed << ", room " << room);
  storm it{seed, room};
  for (int n = 0; n < 20'000; ++n) {
    it.act();
    if (n % 1'000 == 0) it.answer_all();
  }
  it.end();
}
