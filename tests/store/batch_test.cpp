#include "store/batch.hpp"

#include "store/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;

namespace {

engine::job_moved moved(std::uint64_t id, engine::job_state to, std::uint32_t releases) {
  return {job_id{id}, queue_id{1}, to, 9, seconds{3}, instant{seconds{8}}, {.releases = releases}, {}};
}

}  // namespace

TEST_CASE("a put and a delete in one batch cancel out") {
  store::batch batch;
  batch.put(put_of(1, "gone"), 1, 0);
  batch.put(put_of(2, "stays"), 1, 0);
  batch.remove(job_id{1}, false);
  CHECK(batch.jobs() == 1);
  batch.remove(job_id{2}, false);
  CHECK(batch.empty());
  batch.sort();
  CHECK(batch.puts().empty());
  CHECK(batch.removals().empty());
}

TEST_CASE("what happens to a job that is put in the batch goes into its put") {
  store::batch batch;
  batch.put(put_of(1, "x"), 1, 0);
  batch.move(moved(1, engine::job_state::delayed, 1), 1, 0, false);
  batch.move(moved(1, engine::job_state::buried, 2), 1, 17, false);
  batch.sort();
  CHECK(batch.moves().empty());
  REQUIRE(batch.puts().size() == 1);
  const auto& condition = batch.puts()[0].condition;
  CHECK(condition.state == engine::job_state::buried);
  CHECK(condition.priority == 9);
  CHECK(condition.bury_sequence == 17);
  CHECK(condition.tally.releases == 2);
  CHECK(batch.puts()[0].content.view() == "x");
}

TEST_CASE("of several moves the last one counts, and none before a delete") {
  store::batch batch;
  for (std::uint32_t n = 1; n <= 3; ++n) {
    for (const std::uint64_t id : {5, 4, 6}) batch.move(moved(id, engine::job_state::ready, n), 1, 0, false);
  }
  batch.remove(job_id{5}, false);
  batch.move(moved(6, engine::job_state::ready, 4), 1, 0, false);
  batch.sort();
  REQUIRE(batch.moves().size() == 2);
  CHECK(batch.moves()[0].job == job_id{4});
  CHECK(batch.moves()[0].condition.tally.releases == 3);
  CHECK(batch.moves()[1].job == job_id{6});
  CHECK(batch.moves()[1].condition.tally.releases == 4);
  CHECK(batch.removals() == std::vector{job_id{5}});
}

TEST_CASE("what cancels out by the million holds no memory, and others keep their places") {
  store::batch batch;
  batch.put(put_of(1, "first"), 1, 0);
  for (std::uint64_t id = 2; id < 200'000; ++id) {
    batch.put(put_of(id, "comes and goes"), 1, 0);
    batch.remove(job_id{id}, false);
  }
  batch.put(put_of(200'000, "last"), 1, 0);
  CHECK(batch.jobs() == 2);
  CHECK(batch.bytes() < 2'000'000);
  batch.remove(job_id{1}, false);
  batch.sort();
  REQUIRE(batch.puts().size() == 1);
  CHECK(batch.puts()[0].job == job_id{200'000});
}

TEST_CASE("a batch of changes is empty when it is cleared, and takes changes again") {
  store::batch batch;
  batch.put(put_of(1, "x"), 1, 0);
  batch.move(moved(3, engine::job_state::ready, 1), 1, 0, false);
  batch.remove(job_id{2}, false);
  batch.mark_ids(10);
  batch.set_pause(1, instant{seconds{5}}, seconds{5});
  batch.set_pause(1, instant{seconds{6}}, seconds{6});
  CHECK(batch.pauses().size() == 1);
  batch.clear();
  CHECK(batch.empty());
  CHECK(batch.bytes() == 0);
  batch.move(moved(3, engine::job_state::ready, 2), 1, 0, false);
  CHECK(batch.moves().size() == 1);
}
