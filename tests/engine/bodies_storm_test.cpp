// Bodies that come late, twice, wrong or not at all, under sessions that do as they like: nobody waits for ever, and
// nothing is counted that is gone.
#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/mill.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

constexpr std::array<std::string_view, 3> names{"a", "b", "c"};

class storm {
 public:
  storm(unsigned seed, std::uint64_t room) : random_{seed}, mill_{limits_of(room)} {
    mill_.it.collect_changes(true);
    mill_.it.declare("a", {.durability = durability::sync}).value();
    mill_.it.declare("b", {.max_jobs = 40, .when_full = overflow::drop_oldest, .durability = durability::sync}).value();
    mill_.it.declare("c", {.max_jobs = 30, .when_full = overflow::block, .durability = durability::sync}).value();
    for (int n = 0; n < 6; ++n) sessions_.push_back(mill_.session({"a", "b", "c"}));
  }

  void act() {
    command();
    take_what_happened();
    if (below(3) != 0) disk();
  }

  /// All who wait for a body get an answer when the disk has said all that it was asked.
  void answer_all() {
    while (!asked_.empty()) disk();
    for (const auto who : sessions_) CHECK_FALSE(mill_.it.awaits_body(who));
  }

  void end() {
    for (const auto who : sessions_) {
      while (!mill_.it.close_session(who, mill_.now)) {
      }
      take_what_happened();
    }
    answer_all();
    const auto last = mill_.session();
    for (const auto& [job, text] : kept_) mill_.it.erase(last, job, mill_.now);
    CHECK(asked_in_all_ > 100);
    CHECK(mill_.it.job_count() == 0);
    CHECK(mill_.it.bytes_of_bodies() == 0);
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
    mill_.it.use(who, names[below(3)]).value();
    std::string text(below(10) == 0 ? 0 : below(2'000), static_cast<char>('a' + below(26)));
    put_request what{.content = body{text}, .priority = static_cast<priority>(below(3))};
    what.delay = below(5) == 0 ? seconds{1 + below(3)} : seconds{0};
    what.ttr = seconds{2 + below(5)};
    const auto answer = mill_.it.put(who, mill_.it.used(who), std::move(what), mill_.now);
    if (answer.status == put_status::waiting) waits_.insert(who);
  }

  void command() {
    session_id& who = some_session();
    const auto kind = below(20);
    if (kind == 0) {
      while (!mill_.it.close_session(who, mill_.now)) {
      }
      waits_.erase(who);
      held_.erase(who);
      who = mill_.session({"a", "b", "c"});
    } else if (kind == 1) {
      mill_.pass(milliseconds{below(1'500)});
    } else if (is_busy(who)) {
      if (below(4) != 0) return;
      if (mill_.it.withdraw_reserve(who) || mill_.it.withdraw_put(who)) waits_.erase(who);
    } else if (kind < 9) {
      put(who);
    } else if (kind < 13) {
      const auto until = below(2) == 0 ? mill_.now : mill_.now + seconds{below(3)};
      auto answer = mill_.it.reserve(who, below(4) == 0 ? lease::unlimited : lease::ttr, until, mill_.now);
      took(who, answer);
    } else if (kind < 15 && !kept_.empty()) {
      const auto job = some_job();
      if (below(3) == 0) {
        mill_.it.kick_job(job, mill_.now);
      } else {
        took(who, mill_.it.reserve_job(who, job, mill_.now));
      }
    } else if (kind == 15) {
      auto from = engine::engine::kick_from::undecided;
      mill_.it.kick(mill_.queue(names[below(3)]), below(20), from, mill_.now);
    } else if (kind == 16) {
      CHECK(mill_.it.pause(mill_.queue(names[below(3)]), seconds{below(2)}, mill_.now).has_value());
    } else if (!held_[who].empty()) {
      let_go(who);
    } else if (!kept_.empty()) {
      mill_.it.erase(who, some_job(), mill_.now);
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
        mill_.it.erase(who, job, mill_.now);
        break;
      case 1:
        mill_.it.release(who, job, static_cast<priority>(below(3)), seconds{below(2)}, mill_.now);
        break;
      case 2:
        mill_.it.bury(who, job, 1, mill_.now);
        break;
      case 3:
        // May wait for room: its answer is of no interest here, and another finish takes its place.
        mill_.finish(who, job, {.outputs = {{mill_.queue(names[below(3)]), {.content = body{"made of it"}}}}});
        break;
      default:
        mill_.finish(who, job, {.result = outcome::failed, .error_text = "no", .dead_letter = mill_.queue("b")});
    }
  }

  void take_puts() {
    change_set changes;
    mill_.it.take_changes(changes);
    for (const auto& one : changes) {
      if (const auto* put = std::get_if<job_put>(&one)) {
        kept_[put->job] = put->what.content.view();
        unsafe_.push_back(put->job);
      }
    }
  }

  void take_what_happened() {
    take_puts();
    std::vector<event> events;
    mill_.it.take_events(events);
    for (const auto& one : events) {
      if (one.what == event::kind::finish_done) continue;
      waits_.erase(one.session);
      if (one.what == event::kind::granted) got(one.session, one.job);
    }
    std::vector<job_id> wanted;
    mill_.it.take_wanted_bodies(wanted);
    asked_.insert(asked_.end(), wanted.begin(), wanted.end());
    asked_in_all_ += wanted.size();
  }

  /// Makes something safe, and answers one of those that were asked for.
  void disk() {
    if (!unsafe_.empty() && below(2) == 0) {
      mill_.it.stored(unsafe_.front());
      unsafe_.erase(unsafe_.begin());
    }
    if (asked_.empty()) return;
    const auto place = asked_.begin() + static_cast<std::ptrdiff_t>(below(asked_.size()));
    const auto job = *place;
    asked_.erase(place);
    const auto draw = below(20);
    if (draw == 0) {
      mill_.it.body_lost(job, mill_.now);
    } else if (draw == 1) {
      mill_.it.body_came(job, body{kept_.at(job) + "?"}, mill_.now);
    } else {
      mill_.it.body_came(job, body{kept_.at(job)}, mill_.now);
      if (draw == 2) mill_.it.body_came(job, body{kept_.at(job)}, mill_.now);
    }
    take_what_happened();
  }

  std::mt19937 random_;
  mill mill_;
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
