// Bodies that a start left on disk.
#include "engine/disk_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("what was left on disk at the start is there, and read when it is its turn") {
  disk_fixture fixture{memory_for(4)};
  fixture.engine.restore(left_on_disk(7, fixture.queue()), fixture.now);
  fixture.kept[job_id{7}] = text_of('r');
  CHECK(fixture.engine.levels(fixture.queue()).ready_bytes == body_bytes);
  CHECK(fixture.engine.bytes_of_bodies() == 0);
  REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
  fixture.read_all();
  CHECK(fixture.events() == texts{granted(fixture.client, 'r')});
}

TEST_CASE("a body that only the start left on disk is requested at once, with a limit of memory and without") {
  const bool has_limit = GENERATE(true, false);
  disk_fixture fixture{has_limit ? memory_for(4) : engine_options{}};
  const auto counted = has_limit ? cost : 0;
  fixture.engine.restore(left_on_disk(7, fixture.queue(), true), fixture.now);
  fixture.kept[job_id{7}] = text_of('r');
  fixture.engine.end_restoring();
  CHECK(fixture.engine.wants_bodies());
  CHECK(fixture.engine.bytes_of_bodies() == counted);
  SECTION("it comes before its turn") {
    fixture.read_all();
    CHECK(fixture.in_memory(job_id{7}));
    CHECK(fixture.take(fixture.client) == text_of('r'));
  }
  SECTION("it comes when a session waits for it") {
    REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
    fixture.read_all();
    CHECK(fixture.events() == texts{granted(fixture.client, 'r')});
  }
  SECTION("its job is deleted first") {
    CHECK(fixture.engine.erase(fixture.client, job_id{7}, fixture.now));
    CHECK(fixture.engine.bytes_of_bodies() == 0);
    fixture.read_all();
    CHECK(fixture.engine.job_count() == 0);
  }
  SECTION("it cannot be read, and is requested again by the next reserve") {
    for (const auto job : fixture.wanted()) fixture.engine.body_lost(job, fixture.now);
    CHECK(fixture.engine.bytes_of_bodies() == 0);
    REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
    fixture.read_all();
    CHECK(fixture.events() == texts{granted(fixture.client, 'r')});
  }
  if (fixture.engine.job_count() > 0) CHECK(fixture.engine.bytes_of_bodies() == counted);
}
