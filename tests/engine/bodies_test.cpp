// Bodies that are only on disk: the sessions that wait for them, and the memory that they count.
#include "engine/disk_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("without a limit every body stays in memory") {
  disk_fixture fixture{{}};
  for (int n = 0; n < 100; ++n) CHECK(fixture.in_memory(fixture.put_safely('x')));
  CHECK(fixture.engine.bytes_of_bodies() == 0);
}

TEST_CASE("above seven eighths of the limit, bodies that are safe leave memory, and none that are not") {
  disk_fixture fixture{memory_for(8)};
  std::vector<job_id> jobs;
  for (char letter = 'a'; letter < 'k'; ++letter) jobs.push_back(fixture.put_safely(letter));
  for (std::size_t n = 0; n < jobs.size(); ++n) CHECK(fixture.in_memory(jobs[n]) == (n < 7));
  CHECK(fixture.engine.bytes_of_bodies() == 7 * cost);

  const auto unsafe = fixture.put(fixture.client, text_of('u'));
  CHECK(fixture.in_memory(unsafe));
  fixture.engine.stored(unsafe);
  CHECK_FALSE(fixture.in_memory(unsafe));
  CHECK(fixture.engine.look(unsafe).value().bytes == body_bytes);
  CHECK(fixture.engine.levels(fixture.queue()).ready_bytes == std::uint64_t{11} * body_bytes);
}

TEST_CASE("bodies of a queue in memory do not count and do not leave") {
  disk_fixture fixture{memory_for(1)};
  fixture.engine.declare("fast", {.durability = durability::memory}).value();
  const auto other = fixture.session({"fast"});
  const auto job = fixture.put(other, text_of('x'));
  fixture.engine.stored(job);
  CHECK(fixture.in_memory(job));
  CHECK(fixture.engine.bytes_of_bodies() == 0);
}

TEST_CASE("an empty body has nothing to leave") {
  disk_fixture fixture{memory_for(1)};
  fixture.put_safely('a');
  const auto empty = fixture.put(fixture.client, "");
  fixture.engine.stored(empty);
  CHECK(fixture.in_memory(empty));
}

TEST_CASE("a reserve of an absent body waits for it, and its lease begins when it is there") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a', {.ttr = 5s});
  REQUIRE_FALSE(fixture.in_memory(job));

  CHECK(fixture.reserve(fixture.client) == reserve_status::waiting);
  CHECK(fixture.state(job) == job_state::reserved);
  CHECK(fixture.wanted() == std::vector{job});
  fixture.pass(1min);
  CHECK(fixture.state(job) == job_state::reserved);
  CHECK(fixture.events().empty());

  fixture.read(job);
  CHECK(fixture.events() == texts{granted(fixture.client, 'a')});
  CHECK(fixture.engine.look(job).value().reserves == 1);
  fixture.pass(4999ms);
  CHECK(fixture.state(job) == job_state::reserved);
  fixture.pass(1ms);
  CHECK(fixture.state(job) == job_state::ready);
}

TEST_CASE("a waiter gets a job that comes ready without its body when that is there") {
  disk_fixture fixture{memory_for(0)};
  fixture.put_safely('a', {.delay = 1s});
  REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
  fixture.pass(1s);
  CHECK(fixture.events().empty());
  fixture.read_all();
  CHECK(fixture.events() == texts{granted(fixture.client, 'a')});
}

TEST_CASE("the next bodies are read ahead, half of them later again, as far as they fit into the last eighth") {
  disk_fixture fixture{memory_for(80, 8)};
  for (int n = 0; n < 200; ++n) fixture.put_safely('x');
  for (int n = 0; n < 69; ++n) {
    REQUIRE(fixture.take(fixture.client) != "-");
    REQUIRE(fixture.engine.erase(fixture.client, job_id{static_cast<std::uint64_t>(n) + 1}, fixture.now));
  }
  // The first seventy stayed in memory. The queue requests the nearest of the others, at the start and after every
  // fourth job.
  auto wanted = fixture.wanted();
  REQUIRE(wanted.size() >= 4);
  for (std::size_t n = 0; n < wanted.size(); ++n) CHECK(wanted[n].value() == 71 + n);
  for (const auto job : wanted) fixture.read(job);
  for (std::size_t n = 0; n <= wanted.size(); ++n) CHECK(fixture.take(fixture.client) == text_of('x'));

  SECTION("no further than memory allows") {
    disk_fixture few{memory_for(8, 100)};
    for (int n = 0; n < 100; ++n) few.put_safely('x');
    CHECK(few.take(few.client) == text_of('x'));
    CHECK(few.wanted().size() == 1);
    CHECK(few.engine.bytes_of_bodies() == 8 * cost);
  }
}

TEST_CASE("what is read ahead is in order of priority, then id, whatever lane or heap it stands in") {
  disk_fixture fixture{memory_for(0, 64)};
  std::vector<job_id> jobs;
  for (priority urgency = 20; urgency > 0; --urgency) {
    jobs.push_back(fixture.put_safely('x', {.priority = urgency}));
    jobs.push_back(fixture.put_safely('x', {.priority = urgency}));
  }
  // One body more than the limit is allowed: that of the first job.
  REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
  CHECK(fixture.wanted() == std::vector{jobs[38]});

  disk_fixture more{memory_for(1'000, 30)};
  const auto urgent = [](int n) { return static_cast<priority>(n * 7 % 40); };
  for (std::uint64_t n = 1; n <= 100; ++n) {
    auto left = left_on_disk(n, more.queue());
    left.request.priority = urgent(static_cast<int>(n));
    more.engine.restore(std::move(left), more.now);
  }
  REQUIRE(more.reserve(more.client) == reserve_status::waiting);
  const auto wanted = more.wanted();
  REQUIRE(wanted.size() == 31);
  for (std::size_t n = 1; n < wanted.size(); ++n) {
    const auto before = more.engine.look(wanted[n - 1]).value(), after = more.engine.look(wanted[n]).value();
    CHECK(std::pair{before.priority, before.job} < std::pair{after.priority, after.job});
  }
}

TEST_CASE("a job given back while its body is on the way is ready again, and the next one gets it") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  const auto other = fixture.session();
  REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
  REQUIRE(fixture.reserve(other, 1h) == reserve_status::waiting);

  SECTION("by a reserve that is withdrawn") {
    CHECK(fixture.engine.withdraw_reserve(fixture.client));
    CHECK_FALSE(fixture.engine.withdraw_reserve(fixture.client));
  }
  SECTION("by a session that ends") { CHECK(fixture.engine.close_session(fixture.client, fixture.now)); }
  CHECK(fixture.wanted() == std::vector{job});
  fixture.read(job);
  CHECK(fixture.events() == texts{granted(other, 'a')});
  CHECK(fixture.engine.look(job).value().reserves == 1);
}

TEST_CASE("a job counts as waited for when it is handed over, not when only its body is requested") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  const auto& wait = fixture.engine.timings(fixture.queue()).wait;
  fixture.now += 2s;
  REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
  CHECK(wait.count() == 0);

  SECTION("a job that is cancelled meanwhile never counts") {
    CHECK(fixture.engine.cancel(job, fixture.now));
    CHECK(wait.count() == 0);
  }
  SECTION("a job that is given back meanwhile counts once") {
    REQUIRE(fixture.engine.withdraw_reserve(fixture.client));
    REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
    fixture.read_all();
    CHECK(fixture.events() == texts{granted(fixture.client, 'a')});
    CHECK(wait.count() == 1);
  }
  SECTION("the wait ends when the job is reserved: the time of the read is not in it") {
    fixture.now += 3s;
    fixture.read_all();
    CHECK(wait.count() == 1);
    CHECK(wait.sum() == 2s);
  }
}

TEST_CASE("a job that was not ready when it was reserved by its id counts no wait, also when its body comes later") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a', {.delay = 1h});
  REQUIRE(fixture.engine.reserve_job(fixture.client, job, fixture.now).status == reserve_status::waiting);
  fixture.read_all();
  CHECK(fixture.events() == texts{granted(fixture.client, 'a')});
  CHECK(fixture.engine.timings(fixture.queue()).wait.count() == 0);
}

TEST_CASE("a body nobody waits for any more stays for the next one") {
  disk_fixture fixture{memory_for(2)};
  fixture.put_safely('a');
  const auto job = fixture.put_safely('b');
  REQUIRE(fixture.take(fixture.client) == text_of('a'));
  REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
  REQUIRE(fixture.engine.withdraw_reserve(fixture.client));
  fixture.read_all();
  CHECK(fixture.events().empty());
  CHECK(fixture.in_memory(job));
  CHECK(fixture.take(fixture.client) == text_of('b'));
}

TEST_CASE("a job deleted while its body is on the way is gone, and counts no more") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  const auto other = fixture.session();
  REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
  CHECK_FALSE(fixture.engine.erase(other, job, fixture.now));
  REQUIRE(fixture.engine.withdraw_reserve(fixture.client));
  CHECK(fixture.engine.erase(other, job, fixture.now));
  fixture.read_all();
  CHECK(fixture.engine.job_count() == 0);
  CHECK(fixture.engine.bytes_of_bodies() == 0);
}

TEST_CASE("a body that cannot be read buries its job, and the session that waited for it stays the first") {
  disk_fixture fixture{memory_for(0)};
  const auto other = fixture.session();
  const auto job = fixture.put_safely('a');
  REQUIRE(fixture.reserve(fixture.client, 1h) == reserve_status::waiting);
  REQUIRE(fixture.reserve(other, 1h) == reserve_status::waiting);
  REQUIRE(fixture.wanted() == std::vector{job});
  SECTION("an error") { fixture.engine.body_lost(job, fixture.now); }
  SECTION("another length than was put") { fixture.engine.body_loaded(job, body{"a"}, fixture.now); }

  CHECK(fixture.state(job) == job_state::buried);
  CHECK(fixture.engine.look(job).value().error_text == "its body could not be read from disk");
  CHECK(fixture.engine.counts(fixture.queue()).buried[static_cast<std::size_t>(reason::io_error)].value() == 1);
  CHECK(fixture.engine.bytes_of_bodies() == 0);
  CHECK(fixture.events().empty());
  const auto third = fixture.session();
  fixture.put(third, text_of('b'));
  CHECK(fixture.events() == texts{granted(fixture.client, 'b')});
  fixture.put(third, text_of('c'));
  CHECK(fixture.events() == texts{granted(other, 'c')});

  // A kick makes the job ready, and the next reserve requests its body again.
  CHECK(fixture.engine.kick_job(job, fixture.now));
  REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
  fixture.read_all();
  CHECK(fixture.events() == texts{granted(fixture.client, 'a')});
}

TEST_CASE("after a body that cannot be read, a reserve goes on with the next job, or to the end of its time") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  REQUIRE(fixture.reserve(fixture.client, 10s) == reserve_status::waiting);

  SECTION("which has its body") {
    fixture.put(fixture.session(), text_of('b'));
    fixture.engine.body_lost(job, fixture.now);
    CHECK(fixture.events() == texts{granted(fixture.client, 'b')});
  }
  SECTION("which has not") {
    const auto next = fixture.put(fixture.session(), text_of('b'));
    fixture.engine.stored(next);
    fixture.kept[next] = text_of('b');
    fixture.wanted();
    fixture.engine.body_lost(job, fixture.now);
    CHECK(fixture.events().empty());
    fixture.read_all();
    CHECK(fixture.events() == texts{granted(fixture.client, 'b')});
  }
  SECTION("there is none, and the time goes on") {
    fixture.engine.body_lost(job, fixture.now);
    CHECK(fixture.events().empty());
    fixture.pass(10s);
    CHECK(fixture.events() == texts{"timed_out " + std::to_string(fixture.client.value())});
  }
  SECTION("there is none, and the time is over") {
    fixture.pass(11s);
    fixture.engine.body_lost(job, fixture.now);
    CHECK(fixture.events() == texts{"timed_out " + std::to_string(fixture.client.value())});
  }
}

TEST_CASE("a job reserved by its id whose body cannot be read is not found") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  REQUIRE(fixture.engine.reserve_job(fixture.client, job, fixture.now).status == reserve_status::waiting);
  fixture.engine.body_lost(job, fixture.now);
  CHECK(fixture.state(job) == job_state::buried);
  CHECK(fixture.events() == texts{"not_found " + std::to_string(fixture.client.value())});
}

TEST_CASE("a body that was handed out leaves memory when its job is put back, if it does not fit") {
  disk_fixture fixture{memory_for(0)};
  const auto job = fixture.put_safely('a');
  REQUIRE(fixture.reserve(fixture.client) == reserve_status::waiting);
  fixture.read_all();
  CHECK(fixture.engine.bytes_of_bodies() == cost);
  SECTION("released") { REQUIRE(fixture.engine.release(fixture.client, job, 1, 0s, fixture.now)); }
  SECTION("delayed") { REQUIRE(fixture.engine.release(fixture.client, job, 1, 1s, fixture.now)); }
  SECTION("buried") { REQUIRE(fixture.engine.bury(fixture.client, job, 1, fixture.now)); }
  SECTION("its lease over") { fixture.pass(1h); }
  SECTION("its holder gone") { REQUIRE(fixture.engine.close_session(fixture.client, fixture.now)); }
  CHECK_FALSE(fixture.in_memory(job));
  CHECK(fixture.engine.bytes_of_bodies() == 0);
}
