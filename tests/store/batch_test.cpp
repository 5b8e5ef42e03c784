#include "store/batch.hpp"

#include "store/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using store::batch;
using testing::put_of;

namespace {

engine::job_moved moved(std::uint64_t id, engine::job_state to, std::uint32_t releases) {
  return {job_id{id}, queue_id{1}, to, 9, seconds{3}, instant{seconds{8}}, {.releases = releases}, {}};
}

}  // namespace

TEST_CASE("a put and a delete in one batch cancel out") {
  batch it;
  it.put(put_of(1, "gone"), 1, 0);
  it.put(put_of(2, "stays"), 1, 0);
  it.remove(job_id{1}, false);
  CHECK(it.jobs() == 1);
  it.remove(job_id{2}, false);
  CHECK(it.empty());
  it.sort();
  CHECK(it.puts().empty());
  CHECK(it.removals().empty());
}

TEST_CASE("what happens to a job that is put in the batch goes into its put") {
  batch it;
  it.put(put_of(1, "x"), 1, 0);
  it.move(moved(1, engine::job_state::delayed, 1), 1, 0, false);
  it.move(moved(1, engine::job_state::buried, 2), 1, 17, false);
  it.sort();
  CHECK(it.moves().empty());
  REQUIRE(it.puts().size() == 1);
  const auto& condition = it.puts()[0].condition;
  CHECK(condition.state == engine::job_state::buried);
  CHECK(condition.priority == 9);
  CHECK(condition.bury_sequence == 17);
  CHECK(condition.tally.releases == 2);
  CHECK(it.puts()[0].content.view() == "x");
}

TEST_CASE("of several moves the last one counts, and none before a delete") {
  batch it;
  for (std::uint32_t n = 1; n <= 3; ++n) {
    for (const std::uint64_t id : {5, 4, 6}) it.move(moved(id, engine::job_state::ready, n), 1, 0, false);
  }
  it.remove(job_id{5}, false);
  it.move(moved(6, engine::job_state::ready, 4), 1, 0, false);
  it.sort();
  REQUIRE(it.moves().size() == 2);
  CHECK(it.moves()[0].job == job_id{4});
  CHECK(it.moves()[0].condition.tally.releases == 3);
  CHECK(it.moves()[1].job == job_id{6});
  CHECK(it.moves()[1].condition.tally.releases == 4);
  CHECK(it.removals() == std::vector{job_id{5}});
}

TEST_CASE("what cancels out by the million holds no memory, and others keep their places") {
  batch it;
  it.put(put_of(1, "first"), 1, 0);
  for (std::uint64_t id = 2; id < 200'000; ++id) {
    it.put(put_of(id, "comes and goes"), 1, 0);
    it.remove(job_id{id}, false);
  }
  it.put(put_of(200'000, "last"), 1, 0);
  CHECK(it.jobs() == 2);
  CHECK(it.bytes() < 2'000'000);
  it.remove(job_id{1}, false);
  it.sort();
  REQUIRE(it.puts().size() == 1);
  CHECK(it.puts()[0].job == job_id{200'000});
}

TEST_CASE("a cleared batch is as new") {
  batch it;
  it.put(put_of(1, "x"), 1, 0);
  it.move(moved(3, engine::job_state::ready, 1), 1, 0, false);
  it.remove(job_id{2}, false);
  it.mark_ids(10);
  it.set_pause(1, instant{seconds{5}}, seconds{5});
  it.set_pause(1, instant{seconds{6}}, seconds{6});
  CHECK(it.pauses().size() == 1);
  it.clear();
  CHECK(it.empty());
  CHECK(it.bytes() == 0);
  it.move(moved(3, engine::job_state::ready, 2), 1, 0, false);
  CHECK(it.moves().size() == 1);
}
