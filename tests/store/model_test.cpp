// The store against a model of it: random changes, restarts in between, and what comes back must be what the model has.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "store/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::scratch_directory;
using testing::store_desk;

namespace {

/// Wall clocks of one run of the program differ from those of the next by what the test says.
constexpr duration first_offset = hours{400'000};

struct model {
  struct entry {
    engine::kept_job job;
    std::uint64_t bury_sequence{0};
  };
  std::map<std::uint64_t, entry> jobs;
  std::map<std::uint32_t, engine::queue_paused> pauses;
  std::map<std::uint64_t, engine::kept_group> groups;
  std::map<std::uint64_t, std::string> actions;
  std::uint64_t last_group{0};
  std::uint64_t last_id{0};
  std::uint64_t mark{0};
  std::uint64_t bury_sequences{0};
};

class history {
 public:
  explicit history(std::uint64_t seed) : random_{seed} {}

  void run(store_desk& desk, int commands) {
    for (int n = 0; n < commands; ++n) {
      engine::change_set changes;
      for (auto count = below(4); count-- > 0;) add_change(changes);
      const auto batch = below(3) == 0 ? desk.it->append_relaxed(changes) : desk.it->append(changes);
      if (below(50) == 0) {
        its.mark += below(1'000);
        its.mark = std::max(its.mark, its.last_id);
        desk.it->lease_ids(its.mark);
      }
      if (below(10) == 0) desk.loop.run_ready();
      if (below(100) == 0) desk.until_durable(batch);
    }
  }

  /// The engine's time of the next run is this far from that of the last.
  void shift(duration by) {
    for (auto& [id, one] : its.jobs) {
      one.job.put_at += by;
      if (one.job.state == engine::job_state::delayed) one.job.due += by;
      if (!one.job.details) continue;
      auto details = *one.job.details;
      for (instant* const time : {&details.first_failure, &details.last_failure, &details.expires_at}) {
        if (*time != never) *time += by;
      }
      one.job.details = std::make_shared<const engine::job_details>(details);
    }
    for (auto& [id, group] : its.groups) group.facts.opened_at += by;
    for (auto& [queue, one] : its.pauses) {
      if (one.until != never) one.until += by;
    }
  }

  void check(const testing::memory_of_store& found) const {
    std::vector<model::entry> expected;
    for (const auto& [id, one] : its.jobs) expected.push_back(one);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& one, const auto& other) { return one.bury_sequence < other.bury_sequence; });
    REQUIRE(found.jobs.size() == expected.size());
    for (std::size_t at = 0; at < expected.size(); ++at) {
      const auto& one = found.jobs[at];
      const auto& other = expected[at].job;
      REQUIRE(one.job == other.job);
      REQUIRE(one.queue == other.queue);
      REQUIRE(one.state == other.state);
      REQUIRE(one.request.content.view() == other.request.content.view());
      REQUIRE(one.request.priority == other.request.priority);
      REQUIRE(one.request.delay == other.request.delay);
      REQUIRE(one.request.ttr == other.request.ttr);
      REQUIRE(one.put_at == other.put_at);
      if (one.state == engine::job_state::delayed) REQUIRE(one.due == other.due);
      REQUIRE(one.tally == other.tally);
      REQUIRE(one.error_text == other.error_text);
      REQUIRE(one.handed_out == other.handed_out);
      REQUIRE((one.details == nullptr) == (other.details == nullptr));
      if (one.details) REQUIRE(*one.details == *other.details);
    }
    check_groups(found);
    REQUIRE(found.pauses.size() == its.pauses.size());
    for (const auto& pause : found.pauses) {
      const auto& other = its.pauses.at(pause.queue.value());
      REQUIRE(pause.until == other.until);
      REQUIRE(pause.length == other.length);
    }
    REQUIRE(found.id_mark >= std::max(its.mark, its.jobs.empty() ? 0 : its.jobs.rbegin()->first));
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

 private:
  void check_groups(const testing::memory_of_store& found) const {
    REQUIRE(found.groups.size() == its.groups.size());
    auto at = found.groups.begin();
    for (const auto& [id, group] : its.groups) {
      REQUIRE(at->group == group.group);
      REQUIRE(at->facts == group.facts);
      REQUIRE(at->ended == group.ended);
      ++at;
    }
    REQUIRE(found.last_group.value() == its.last_group);
    REQUIRE(found.actions == its.actions);
  }

  queue_id some_queue() { return queue_id{static_cast<std::uint32_t>(1 + below(5))}; }
  /// Late enough that no pause is over before the test is.
  instant some_time() { return instant{hours{10'000} + seconds{below(1'000'000)}}; }

  std::string some_text() {
    const std::uint64_t bytes = below(20) == 0 ? below(20'000) : below(100);
    return std::string(bytes, static_cast<char>(below(256)));
  }

  void add_change(engine::change_set& into) {
    const auto kind = below(24);
    if (kind >= 20) {
      add_group_change(into);
    } else if (kind < 8 || its.jobs.empty()) {
      into.emplace_back(put());
    } else if (kind == 8) {
      const auto queue = some_queue();
      const engine::queue_paused paused{queue, below(3) == 0 ? never : some_time(), seconds{below(100)}};
      if (below(3) == 0) {
        into.emplace_back(engine::queue_paused{queue, engine::no_pause, {}});
        its.pauses.erase(queue.value());
      } else {
        into.emplace_back(paused);
        its.pauses.insert_or_assign(queue.value(), paused);
      }
    } else {
      auto at = its.jobs.lower_bound(1 + below(its.last_id));
      if (at == its.jobs.end()) at = its.jobs.begin();
      if (kind < 15) {
        into.emplace_back(engine::job_gone{at->second.job.job, at->second.job.queue});
        its.jobs.erase(at);
      } else {
        into.emplace_back(move(at->second));
      }
    }
  }

  /// Of a group: opened, a member ended, or forgotten; or an action.
  void add_group_change(engine::change_set& into) {
    const auto kind = below(5);
    if (kind == 0) {
      const auto number = 1 + below(9);
      its.actions[number] = some_text();
      into.emplace_back(engine::action_kept{number, its.actions[number]});
      if (below(2) == 0) {
        its.actions.erase(number);
        into.emplace_back(engine::action_gone{number});
      }
    } else if (kind == 1 || its.groups.empty()) {
      engine::kept_group made{.group = engine::group_id{++its.last_group},
                              .facts = {.name = some_text(),
                                        .outcome_queue = some_text(),
                                        .state = static_cast<engine::group_state>(below(3)),
                                        .ends_with = static_cast<engine::group_end>(below(3)),
                                        .remaining = static_cast<engine::remaining_members>(below(2)),
                                        .opened_at = some_time(),
                                        .members = static_cast<std::uint32_t>(below(50)),
                                        .outcome_put = below(2) == 0,
                                        .outer = engine::group_id{below(3)},
                                        .outer_place = static_cast<std::uint32_t>(below(3))},
                              .ended = {}};
      into.emplace_back(engine::group_changed{made.group, made.facts});
      its.groups[made.group.value()] = std::move(made);
    } else {
      auto at = its.groups.lower_bound(1 + below(its.last_group));
      if (at == its.groups.end()) at = its.groups.begin();
      auto& group = at->second;
      if (kind == 2 || group.facts.ended == group.facts.members) {
        into.emplace_back(engine::group_gone{group.group});
        its.groups.erase(at);
      } else {
        const engine::group_member member{.job = job_id{below(100)},
                                          .result = static_cast<engine::outcome>(below(engine::outcome_count)),
                                          .text = some_text(),
                                          .is_cut = below(2) == 0};
        group.ended.emplace_back(group.facts.ended, member);
        into.emplace_back(engine::group_member_ended{group.group, group.facts.ended++, member});
        into.emplace_back(engine::group_changed{group.group, group.facts});
      }
    }
  }

  std::shared_ptr<const engine::job_details> some_details() {
    if (below(3) != 0) return nullptr;
    engine::job_details made;
    if (below(2) == 0) made.cause = static_cast<engine::reason>(below(engine::reason_count));
    if (below(2) == 0) made.origin = some_text();
    if (below(2) == 0) made.first_failure = some_time();
    if (below(2) == 0) made.last_failure = some_time();
    if (below(2) == 0) made.expires_at = some_time();
    made.group = engine::group_id{below(3)};
    made.group_place = 1;
    return std::make_shared<const engine::job_details>(made);
  }

  engine::job_put put() {
    engine::job_put made{.job = job_id{++its.last_id},
                         .queue = some_queue(),
                         .state = below(3) == 0 ? engine::job_state::delayed : engine::job_state::ready,
                         .request = {.content = body{some_text()},
                                     .priority = static_cast<engine::priority>(random_()),
                                     .delay = seconds{below(100)},
                                     .ttr = seconds{1 + below(100)}},
                         .put_at = some_time(),
                         .due = some_time(),
                         .error_text = below(5) == 0 ? "because" : "",
                         .tally = {.failures = below(5) == 0 ? 3u : 0u},
                         .details = some_details()};
    its.jobs[made.job.value()] = {.job = {.job = made.job,
                                          .queue = made.queue,
                                          .state = made.state,
                                          .request = made.request,
                                          .put_at = made.put_at,
                                          .due = made.due,
                                          .tally = made.tally,
                                          .error_text = made.error_text,
                                          .details = made.details}};
    return made;
  }

  engine::job_moved move(model::entry& it) {
    constexpr engine::job_state states[]{engine::job_state::ready, engine::job_state::delayed,
                                         engine::job_state::buried};
    // Without any, it has no history.
    const bool has_counts = below(3) != 0;
    const auto number = [this, has_counts] { return has_counts ? static_cast<std::uint32_t>(below(5)) : 0; };
    const auto queue = below(3) == 0 ? some_queue() : it.job.queue;
    engine::job_moved made{it.job.job,
                           queue,
                           states[below(3)],
                           static_cast<engine::priority>(below(2)),
                           seconds{below(2)},
                           some_time(),
                           {number(), number(), number(), number(), number(), number(), number(), number()},
                           has_counts && below(3) == 0 ? "it failed" : ""};
    made.handed_out = has_counts && below(2) == 0;
    if (has_counts) made.details = some_details();
    if (queue != it.job.queue) made.left = it.job.queue;
    it.job.queue = queue;
    it.job.state = made.state;
    it.job.request.priority = made.priority;
    it.job.request.delay = made.delay;
    it.job.due = made.due;
    it.job.tally = made.tally;
    it.job.error_text = made.error_text;
    it.job.handed_out = made.handed_out;
    it.job.details = made.details;
    it.bury_sequence = made.state == engine::job_state::buried ? ++its.bury_sequences : 0;
    return made;
  }

  std::mt19937_64 random_;
  model its;
};

}  // namespace

TEST_CASE("after random histories and restarts everything is as the model has it") {
  const auto begun = std::chrono::steady_clock::now();
  std::random_device fresh;
  for (int round = 0; round < 200 && std::chrono::steady_clock::now() - begun < seconds{4}; ++round) {
    const auto seed = (static_cast<std::uint64_t>(fresh()) << 32) | fresh();
    INFO("seed " << seed);
    scratch_directory scratch;
    history life{seed};
    duration offset = first_offset;
    for (int session = 0; session < 4; ++session) {
      store_desk desk{{.data_dir = scratch.data_dir(), .relaxed_interval = milliseconds{2}},
                      {.wall_offset = [offset] { return offset; }}};
      life.check(desk.recover());
      life.run(desk, static_cast<int>(life.below(500)));
      desk.close();
      const duration shift = seconds{life.below(1'000)};
      offset += shift;
      life.shift(-shift);
    }
  }
}
