// Bodies that a start left on disk.
#include "engine/disk_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("what was left on disk at the start is there, and read when it is its turn") {
  disk_fixture all{room_for(4)};
  all.engine.restore(left_on_disk(7, all.queue()), all.now);
  all.kept[job_id{7}] = text_of('r');
  CHECK(all.engine.levels(all.queue()).ready_bytes == body_bytes);
  CHECK(all.engine.bytes_of_bodies() == 0);
  REQUIRE(all.reserve(all.who) == reserve_status::waiting);
  all.read_all();
  CHECK(all.events() == texts{granted(all.who, 'r')});
}

TEST_CASE("a body that only the start left on disk is requested at once, with a limit of memory and without") {
  const bool has_limit = GENERATE(true, false);
  disk_fixture all{has_limit ? room_for(4) : engine_options{}};
  const auto counted = has_limit ? cost : 0;
  all.engine.restore(left_on_disk(7, all.queue(), true), all.now);
  all.kept[job_id{7}] = text_of('r');
  all.engine.end_restoring();
  CHECK(all.engine.wants_bodies());
  CHECK(all.engine.bytes_of_bodies() == counted);
  SECTION("it comes before its turn") {
    all.read_all();
    CHECK(all.in_memory(job_id{7}));
    CHECK(all.take(all.who) == text_of('r'));
  }
  SECTION("it comes when a session waits for it") {
    REQUIRE(all.reserve(all.who) == reserve_status::waiting);
    all.read_all();
    CHECK(all.events() == texts{granted(all.who, 'r')});
  }
  SECTION("its job is deleted first") {
    CHECK(all.engine.erase(all.who, job_id{7}, all.now));
    CHECK(all.engine.bytes_of_bodies() == 0);
    all.read_all();
    CHECK(all.engine.job_count() == 0);
  }
  SECTION("it cannot be read, and is requested again by the next reserve") {
    for (const auto job : all.wanted()) all.engine.body_lost(job, all.now);
    CHECK(all.engine.bytes_of_bodies() == 0);
    REQUIRE(all.reserve(all.who) == reserve_status::waiting);
    all.read_all();
    CHECK(all.events() == texts{granted(all.who, 'r')});
  }
  if (all.engine.job_count() > 0) CHECK(all.engine.bytes_of_bodies() == counted);
}
