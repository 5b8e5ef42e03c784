#include "store/sqlite_store.hpp"

#include <sqlite3.h>

#include <string>
#include <vector>

#include "store/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::gone_of;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

std::vector<std::uint64_t> ids_of(const std::vector<engine::kept_job>& jobs) {
  std::vector<std::uint64_t> ids;
  ids.reserve(jobs.size());
  for (const auto& job : jobs) ids.push_back(job.job.value());
  return ids;
}

using ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("what is safe is there again after a restart") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    CHECK(desk.recover().jobs.empty());
    const auto batch = desk.append(put_of(7, "seven", queue_id{3}));
    CHECK(batch > desk.store->durable_up_to());
    desk.until_durable(batch);
    CHECK(desk.durable_reports > 0);
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  const auto found = again.recover();
  REQUIRE(found.jobs.size() == 1);
  CHECK(found.jobs[0].job == job_id{7});
  CHECK(found.jobs[0].queue == queue_id{3});
  CHECK(found.jobs[0].state == engine::job_state::ready);
  CHECK(found.jobs[0].request.content.view() == "seven");
  CHECK(found.jobs[0].request.priority == engine::default_priority);
  CHECK(found.jobs[0].request.ttr == engine::default_ttr);
  CHECK(found.id_mark == 7);
}

TEST_CASE("a store that is closed commits its open batch") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.append(put_of(1, "one"));
    engine::change_set soon{put_of(2, "two")};
    desk.store->append_relaxed(soon);
    desk.close();
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(ids_of(again.recover().jobs) == ids{1, 2});
}

TEST_CASE("changes that come while a commit is under way share the next one") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto first = desk.append(put_of(1, "x"));
  desk.loop.run_ready();  // the end of the turn: the first batch is on its way
  const auto second = desk.append(put_of(2, "x"));
  for (std::uint64_t id = 3; id < 1'000; ++id) CHECK(desk.append(put_of(id, "x")) == second);
  CHECK(second == first + 1);

  desk.until_durable(second);

  CHECK(desk.store->counts().commit_jobs.count() == 2);
  CHECK(desk.store->counts().commit_jobs.sum() == 999);
}

TEST_CASE("a job that is put and deleted before its batch is written costs no row, and its reply waits all the same") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  desk.until_durable(desk.append(put_of(1, "so that the queue is known")));
  desk.append(put_of(2, "x"));
  const auto batch = desk.append(gone_of(2));
  CHECK(batch > desk.store->durable_up_to());

  desk.until_durable(batch);

  CHECK(desk.store->counts().commit_jobs.sum() == 1);
}

TEST_CASE("relaxed changes are written in time, though nobody waits for them") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir(), .relaxed_interval = milliseconds{5}}};
  engine::change_set changes{put_of(1, "x")};
  const auto batch = desk.store->append_relaxed(changes);
  CHECK(changes.empty());
  desk.until_durable(batch);
  CHECK(desk.store->durable_up_to() == batch);
}

TEST_CASE("a change that somebody waits for takes the relaxed ones before it along") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir(), .relaxed_interval = hours{1}}};
  engine::change_set changes{put_of(1, "x")};
  const auto relaxed = desk.store->append_relaxed(changes);
  const auto batch = desk.append(put_of(2, "x"));
  CHECK(batch == relaxed);
  desk.until_durable(batch);
  CHECK(desk.store->counts().commit_jobs.sum() == 2);
}

TEST_CASE("a batch that is full is written by itself, and what comes later does not delay it") {
  constexpr std::uint64_t batch_bytes = 65'536;
  const std::string text(8'192, 'x');
  scratch_directory scratch;
  std::vector<store::batch_id> safe;
  {
    store_desk desk{{.data_dir = scratch.data_dir(), .relaxed_interval = hours{1}, .write_batch_max = batch_bytes}};
    desk.store->set_on_durable([&] { safe.push_back(desk.store->durable_up_to()); });
    const auto append_relaxed = [&](std::uint64_t id) {
      engine::change_set changes;
      changes.push_back(put_of(id, text));
      return desk.store->append_relaxed(changes);
    };
    const auto left_before = desk.store->backlog_left();
    const auto first = desk.append(put_of(1, "a client waits for it"));
    // One batch is filled, and the next one for the most part.
    std::uint64_t id = 2;
    while (append_relaxed(id++) == first) CHECK(id < 100);
    const auto filled = id - 2;
    CHECK(filled * text.size() < batch_bytes + 2 * text.size());
    // All batches that wait for the writer count.
    CHECK(left_before - desk.store->backlog_left() > filled * text.size());
    for (; append_relaxed(id) == first + 1; ++id) CHECK(id < 100);
    // No client waits for the second batch: it is written because it is full.
    desk.until_durable(first + 1);
    CHECK(safe == std::vector<store::batch_id>{first, first + 1});
    CHECK(desk.store->counts().commit_jobs.count() == 2);
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() >= 16);
}

TEST_CASE("one set of changes is never divided, however large it is") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir(), .write_batch_max = 1}};
  engine::change_set changes;
  for (std::uint64_t id = 1; id <= 100; ++id) changes.push_back(put_of(id, "body"));
  const auto with = desk.store->append(changes);
  CHECK(desk.append(put_of(101, "next")) == with + 1);
  desk.until_durable(with + 1);
  CHECK(desk.store->counts().commit_jobs.count() == 2);
}

TEST_CASE("ids that were reserved are not given out again") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.until_durable(desk.store->reserve_ids(100'000));
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().id_mark == 100'000);
}

TEST_CASE("buried jobs come back last, in the order in which they were buried") {
  scratch_directory scratch;
  const auto bury = [](std::uint64_t id) {
    return engine::job_moved{job_id{id}, queue_id{1}, engine::job_state::buried, 5, {}, {}, {.buries = 1}, "no good"};
  };
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 4; ++id) desk.append(put_of(id, "x"));
    desk.until_durable(desk.append(bury(3)));
    desk.until_durable(desk.append(bury(1)));
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  const auto found = again.recover();
  CHECK(ids_of(found.jobs) == ids{2, 4, 3, 1});
  CHECK(found.jobs[2].state == engine::job_state::buried);
  CHECK(found.jobs[2].tally.buries == 1);
  CHECK(found.jobs[2].request.priority == 5);
  CHECK(found.jobs[2].error_text == "no good");
  again.append(bury(2));
  again.close();

  store_desk third{{.data_dir = scratch.data_dir()}};
  CHECK(ids_of(third.recover().jobs) == ids{4, 3, 1, 2});
}

TEST_CASE("a large body, which is written in place, comes back as it was") {
  scratch_directory scratch;
  std::string large(3u << 20, '\0');
  for (std::size_t n = 0; n < large.size(); ++n) large[n] = static_cast<char>(n * 2'654'435'761u >> 13);
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.append(put_of(1, "small"));
    desk.append(put_of(2, large));
    auto delayed = put_of(3, large);
    delayed.state = engine::job_state::delayed;
    delayed.due = after(desk.loop.now(), seconds{60});
    desk.until_durable(desk.append(std::move(delayed)));
    CHECK(desk.store->failure().empty());
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  const auto found = again.recover();
  REQUIRE(found.jobs.size() == 3);
  CHECK(found.jobs[0].request.content.view() == "small");
  std::vector<job_id> same;
  again.store->set_on_body_read([&](job_id job, result<body>&& content) {
    REQUIRE(content.has_value());
    if (content->view() == large) same.push_back(job);
  });
  const std::vector<job_id> asked{job_id{2}, job_id{3}};
  again.store->read_bodies(asked);
  again.until([&] { return same.size() == asked.size(); });
  CHECK(same == asked);
}

TEST_CASE("a batch for which there is no memory is written when there is some, and the store goes on") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.until_durable(desk.append(put_of(1, "before")));
    // Only SQLite's memory runs short.
    const auto before = sqlite3_hard_heap_limit64(-1);
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + 16'384);
    const auto batch = desk.append(put_of(2, std::string(512u << 10, 'x')));
    desk.until([&] { return desk.store->short_of_space(0) || desk.store->durable_up_to() >= batch; });
    CHECK(desk.store->durable_up_to() < batch);
    sqlite3_hard_heap_limit64(before);
    desk.until_durable(batch);
    CHECK(desk.store->failure().empty());
    desk.until_durable(desk.append(put_of(3, "after")));
    CHECK(desk.store->failure().empty());
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(ids_of(again.recover().jobs) == ids{1, 2, 3});
}
