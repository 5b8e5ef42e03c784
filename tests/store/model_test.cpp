// The store against a model of it: random changes with restarts in between. The store must recover what the model has.
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

/// The difference between the wall clock and the steady clock in the first run of the program.
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
      const auto batch = below(3) == 0 ? desk.store->append_relaxed(changes) : desk.store->append(changes);
      if (below(50) == 0) {
        expected_.mark += below(1'000);
        expected_.mark = std::max(expected_.mark, expected_.last_id);
        desk.store->reserve_ids(expected_.mark);
      }
      if (below(10) == 0) desk.loop.run_ready();
      if (below(100) == 0) desk.until_durable(batch);
    }
  }

  /// Moves all times to the steady clock of the next run.
  void shift_times(duration shift) {
    for (auto& [id, entry] : expected_.jobs) {
      entry.job.put_at += shift;
      if (entry.job.state == engine::job_state::delayed) entry.job.due += shift;
      if (!entry.job.details) continue;
      auto details = *entry.job.details;
      for (instant* const time : {&details.first_failure, &details.last_failure, &details.expires_at}) {
        if (*time != never) *time += shift;
      }
      entry.job.details = std::make_shared<const engine::job_details>(details);
    }
    for (auto& [id, group] : expected_.groups) group.facts.opened_at += shift;
    for (auto& [queue, pause] : expected_.pauses) {
      if (pause.until != never) pause.until += shift;
    }
  }

  void check(const testing::recovered_content& found) const {
    std::vector<model::entry> expected;
    for (const auto& [id, entry] : expected_.jobs) expected.push_back(entry);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& left, const auto& right) { return left.bury_sequence < right.bury_sequence; });
    REQUIRE(found.jobs.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto& job = found.jobs[i];
      const auto& expected_job = expected[i].job;
      REQUIRE(job.job == expected_job.job);
      REQUIRE(job.queue == expected_job.queue);
      REQUIRE(job.state == expected_job.state);
      REQUIRE(job.request.content.view() == expected_job.request.content.view());
      REQUIRE(job.request.priority == expected_job.request.priority);
      REQUIRE(job.request.delay == expected_job.request.delay);
      REQUIRE(job.request.ttr == expected_job.request.ttr);
      REQUIRE(job.put_at == expected_job.put_at);
      if (job.state == engine::job_state::delayed) REQUIRE(job.due == expected_job.due);
      REQUIRE(job.tally == expected_job.tally);
      REQUIRE(job.error_text == expected_job.error_text);
      REQUIRE(job.handed_out == expected_job.handed_out);
      REQUIRE((job.details == nullptr) == (expected_job.details == nullptr));
      if (job.details) REQUIRE(*job.details == *expected_job.details);
    }
    check_groups(found);
    REQUIRE(found.pauses.size() == expected_.pauses.size());
    for (const auto& pause : found.pauses) {
      const auto& expected_pause = expected_.pauses.at(pause.queue.value());
      REQUIRE(pause.until == expected_pause.until);
      REQUIRE(pause.length == expected_pause.length);
    }
    REQUIRE(found.id_mark >= std::max(expected_.mark, expected_.jobs.empty() ? 0 : expected_.jobs.rbegin()->first));
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

 private:
  void check_groups(const testing::recovered_content& found) const {
    REQUIRE(found.groups.size() == expected_.groups.size());
    auto kept = found.groups.begin();
    for (const auto& [id, group] : expected_.groups) {
      REQUIRE(kept->group == group.group);
      REQUIRE(kept->facts == group.facts);
      REQUIRE(kept->ended == group.ended);
      ++kept;
    }
    REQUIRE(found.last_group.value() == expected_.last_group);
    REQUIRE(found.actions == expected_.actions);
  }

  queue_id random_queue() { return queue_id{static_cast<std::uint32_t>(1 + below(5))}; }
  /// Later than the end of the test, so that no pause ends.
  instant random_time() { return instant{hours{10'000} + seconds{below(1'000'000)}}; }

  std::string random_text() {
    const std::uint64_t bytes = below(20) == 0 ? below(20'000) : below(100);
    return std::string(bytes, static_cast<char>(below(256)));
  }

  void add_change(engine::change_set& changes) {
    const auto kind = below(24);
    if (kind >= 20) {
      add_group_change(changes);
    } else if (kind < 8 || expected_.jobs.empty()) {
      changes.emplace_back(put());
    } else if (kind == 8) {
      const auto queue = random_queue();
      const engine::queue_paused paused{queue, below(3) == 0 ? never : random_time(), seconds{below(100)}};
      if (below(3) == 0) {
        changes.emplace_back(engine::queue_paused{queue, engine::no_pause, {}});
        expected_.pauses.erase(queue.value());
      } else {
        changes.emplace_back(paused);
        expected_.pauses.insert_or_assign(queue.value(), paused);
      }
    } else {
      auto found = expected_.jobs.lower_bound(1 + below(expected_.last_id));
      if (found == expected_.jobs.end()) found = expected_.jobs.begin();
      if (kind < 15) {
        changes.emplace_back(engine::job_gone{found->second.job.job, found->second.job.queue});
        expected_.jobs.erase(found);
      } else {
        changes.emplace_back(move(found->second));
      }
    }
  }

  /// A group opens, ends a member or is forgotten; or an action is kept or forgotten.
  void add_group_change(engine::change_set& changes) {
    const auto kind = below(5);
    if (kind == 0) {
      const auto number = 1 + below(9);
      expected_.actions[number] = random_text();
      changes.emplace_back(engine::action_kept{number, expected_.actions[number]});
      if (below(2) == 0) {
        expected_.actions.erase(number);
        changes.emplace_back(engine::action_gone{number});
      }
    } else if (kind == 1 || expected_.groups.empty()) {
      engine::kept_group opened{.group = engine::group_id{++expected_.last_group},
                                .facts = {.name = random_text(),
                                          .outcome_queue = random_text(),
                                          .state = static_cast<engine::group_state>(below(3)),
                                          .ends_with = static_cast<engine::group_end>(below(3)),
                                          .remaining = static_cast<engine::remaining_members>(below(2)),
                                          .opened_at = random_time(),
                                          .members = static_cast<std::uint32_t>(below(50)),
                                          .outcome_put = below(2) == 0,
                                          .outer = engine::group_id{below(3)},
                                          .outer_place = static_cast<std::uint32_t>(below(3))},
                                .ended = {}};
      changes.emplace_back(engine::group_changed{opened.group, opened.facts});
      expected_.groups[opened.group.value()] = std::move(opened);
    } else {
      auto found = expected_.groups.lower_bound(1 + below(expected_.last_group));
      if (found == expected_.groups.end()) found = expected_.groups.begin();
      auto& group = found->second;
      if (kind == 2 || group.facts.ended == group.facts.members) {
        changes.emplace_back(engine::group_gone{group.group});
        expected_.groups.erase(found);
      } else {
        const engine::group_member member{.job = job_id{below(100)},
                                          .result = static_cast<engine::outcome>(below(engine::outcome_count)),
                                          .text = random_text(),
                                          .is_cut = below(2) == 0};
        group.ended.emplace_back(group.facts.ended, member);
        changes.emplace_back(engine::group_member_ended{group.group, group.facts.ended++, member});
        changes.emplace_back(engine::group_changed{group.group, group.facts});
      }
    }
  }

  std::shared_ptr<const engine::job_details> random_details() {
    if (below(3) != 0) return nullptr;
    engine::job_details details;
    if (below(2) == 0) details.cause = static_cast<engine::reason>(below(engine::reason_count));
    if (below(2) == 0) details.origin = random_text();
    if (below(2) == 0) details.first_failure = random_time();
    if (below(2) == 0) details.last_failure = random_time();
    if (below(2) == 0) details.expires_at = random_time();
    details.group = engine::group_id{below(3)};
    details.group_place = 1;
    return std::make_shared<const engine::job_details>(details);
  }

  engine::job_put put() {
    engine::job_put change{.job = job_id{++expected_.last_id},
                           .queue = random_queue(),
                           .state = below(3) == 0 ? engine::job_state::delayed : engine::job_state::ready,
                           .request = {.content = body{random_text()},
                                       .priority = static_cast<engine::priority>(random_()),
                                       .delay = seconds{below(100)},
                                       .ttr = seconds{1 + below(100)}},
                           .put_at = random_time(),
                           .due = random_time(),
                           .error_text = below(5) == 0 ? "because" : "",
                           .tally = {.failures = below(5) == 0 ? 3u : 0u},
                           .details = random_details()};
    expected_.jobs[change.job.value()] = {.job = {.job = change.job,
                                                  .queue = change.queue,
                                                  .state = change.state,
                                                  .request = change.request,
                                                  .put_at = change.put_at,
                                                  .due = change.due,
                                                  .tally = change.tally,
                                                  .error_text = change.error_text,
                                                  .details = change.details}};
    return change;
  }

  engine::job_moved move(model::entry& entry) {
    constexpr engine::job_state states[]{engine::job_state::ready, engine::job_state::delayed,
                                         engine::job_state::buried};
    // A job without counts has no history.
    const bool has_counts = below(3) != 0;
    const auto number = [this, has_counts] { return has_counts ? static_cast<std::uint32_t>(below(5)) : 0; };
    const auto queue = below(3) == 0 ? random_queue() : entry.job.queue;
    engine::job_moved change{entry.job.job,
                             queue,
                             states[below(3)],
                             static_cast<engine::priority>(below(2)),
                             seconds{below(2)},
                             random_time(),
                             {number(), number(), number(), number(), number(), number(), number(), number()},
                             has_counts && below(3) == 0 ? "it failed" : ""};
    change.handed_out = has_counts && below(2) == 0;
    if (has_counts) change.details = random_details();
    if (queue != entry.job.queue) change.from = entry.job.queue;
    entry.job.queue = queue;
    entry.job.state = change.state;
    entry.job.request.priority = change.priority;
    entry.job.request.delay = change.delay;
    entry.job.due = change.due;
    entry.job.tally = change.tally;
    entry.job.error_text = change.error_text;
    entry.job.handed_out = change.handed_out;
    entry.job.details = change.details;
    entry.bury_sequence = change.state == engine::job_state::buried ? ++expected_.bury_sequences : 0;
    return change;
  }

  std::mt19937_64 random_;
  model expected_;
};

}  // namespace

TEST_CASE("after random histories and restarts everything is as the model has it") {
  const auto start = std::chrono::steady_clock::now();
  std::random_device random_device;
  for (int round = 0; round < 200 && std::chrono::steady_clock::now() - start < seconds{4}; ++round) {
    const auto seed = (static_cast<std::uint64_t>(random_device()) << 32) | random_device();
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
      life.shift_times(-shift);
    }
  }
}
