// Bodies that are on disk only: who waits for them, what they count, what becomes of them.
#include "engine/disk_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("without a limit every body stays in memory") {
  disk_fixture all{{}};
  for (int n = 0; n < 100; ++n) CHECK(all.in_memory(all.put_safely('x')));
  CHECK(all.engine.bytes_of_bodies() == 0);
}

TEST_CASE("above seven eighths of the limit, bodies that are safe leave memory, and none that are not") {
  disk_fixture all{room_for(8)};
  std::vector<job_id> jobs;
  for (char letter = 'a'; letter < 'k'; ++letter) jobs.push_back(all.put_safely(letter));
  for (std::size_t n = 0; n < jobs.size(); ++n) CHECK(all.in_memory(jobs[n]) == (n < 7));
  CHECK(all.engine.bytes_of_bodies() == 7 * cost);

  const auto unsafe = all.put(all.who, text_of('u'));
  CHECK(all.in_memory(unsafe));
  all.engine.stored(unsafe);
  CHECK_FALSE(all.in_memory(unsafe));
  CHECK(all.engine.look(unsafe).value().bytes == body_bytes);
  CHECK(all.engine.levels(all.queue()).ready_bytes == std::uint64_t{11} * body_bytes);
}

TEST_CASE("bodies of a queue in memory do not count and do not leave") {
  disk_fixture all{room_for(1)};
  all.engine.declare("fast", {.durability = durability::memory}).value();
  const auto other = all.session({"fast"});
  const auto job = all.put(other, text_of('x'));
  all.engine.stored(job);
  CHECK(all.in_memory(job));
  CHECK(all.engine.bytes_of_bodies() == 0);
}

TEST_CASE("an empty body has nothing to leave") {
  disk_fixture all{room_for(1)};
  all.put_safely('a');
  const auto empty = all.put(all.who, "");
  all.engine.stored(empty);
  CHECK(all.in_memory(empty));
}

TEST_CASE("a reserve of an absent body waits for it, and its lease begins when it is there") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a', {.ttr = 5s});
  REQUIRE_FALSE(all.in_memory(job));

  CHECK(all.reserve(all.who) == reserve_status::waiting);
  CHECK(all.state(job) == job_state::reserved);
  CHECK(all.wanted() == std::vector{job});
  all.pass(1min);
  CHECK(all.state(job) == job_state::reserved);
  CHECK(all.events().empty());

  all.read(job);
  CHECK(all.events() == texts{granted(all.who, 'a')});
  CHECK(all.engine.look(job).value().reserves == 1);
  all.pass(4999ms);
  CHECK(all.state(job) == job_state::reserved);
  all.pass(1ms);
  CHECK(all.state(job) == job_state::ready);
}

TEST_CASE("a waiter gets a job that comes ready without its body when that is there") {
  disk_fixture all{room_for(0)};
  all.put_safely('a', {.delay = 1s});
  REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
  all.pass(1s);
  CHECK(all.events().empty());
  all.read_all();
  CHECK(all.events() == texts{granted(all.who, 'a')});
}

TEST_CASE("the next bodies are read ahead, half of them later again, as far as the last eighth has room") {
  disk_fixture all{room_for(80, 8)};
  for (int n = 0; n < 200; ++n) all.put_safely('x');
  for (int n = 0; n < 69; ++n) {
    REQUIRE(all.take(all.who) != "-");
    REQUIRE(all.engine.erase(all.who, job_id{static_cast<std::uint64_t>(n) + 1}, all.now));
  }
  // The first seventy stayed in memory; of those behind, the queue asks for the nearest. It looked at the start and
  // after every fourth job.
  auto wanted = all.wanted();
  REQUIRE(wanted.size() >= 4);
  for (std::size_t n = 0; n < wanted.size(); ++n) CHECK(wanted[n].value() == 71 + n);
  for (const auto job : wanted) all.read(job);
  for (std::size_t n = 0; n <= wanted.size(); ++n) CHECK(all.take(all.who) == text_of('x'));

  SECTION("no further than there is room") {
    disk_fixture few{room_for(8, 100)};
    for (int n = 0; n < 100; ++n) few.put_safely('x');
    CHECK(few.take(few.who) == text_of('x'));
    CHECK(few.wanted().size() == 1);
    CHECK(few.engine.bytes_of_bodies() == 8 * cost);
  }
}

TEST_CASE("what is read ahead is in order of priority, then id, whatever lane or heap it stands in") {
  disk_fixture all{room_for(0, 64)};
  std::vector<job_id> jobs;
  for (priority urgency = 20; urgency > 0; --urgency) {
    jobs.push_back(all.put_safely('x', {.priority = urgency}));
    jobs.push_back(all.put_safely('x', {.priority = urgency}));
  }
  // Room for one body more than none: that of the first.
  REQUIRE(all.reserve(all.who) == reserve_status::waiting);
  CHECK(all.wanted() == std::vector{jobs[38]});

  disk_fixture more{room_for(1'000, 30)};
  const auto urgent = [](int n) { return static_cast<priority>(n * 7 % 40); };
  for (std::uint64_t n = 1; n <= 100; ++n) {
    auto left = left_on_disk(n, more.queue());
    left.request.priority = urgent(static_cast<int>(n));
    more.engine.restore(std::move(left), more.now);
  }
  REQUIRE(more.reserve(more.who) == reserve_status::waiting);
  const auto wanted = more.wanted();
  REQUIRE(wanted.size() == 31);
  for (std::size_t n = 1; n < wanted.size(); ++n) {
    const auto before = more.engine.look(wanted[n - 1]).value(), after = more.engine.look(wanted[n]).value();
    CHECK(std::pair{before.priority, before.job} < std::pair{after.priority, after.job});
  }
}

TEST_CASE("a job given back while its body is on the way is ready again, and the next one gets it") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  const auto other = all.session();
  REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
  REQUIRE(all.reserve(other, 1h) == reserve_status::waiting);

  SECTION("by a reserve that is withdrawn") {
    CHECK(all.engine.withdraw_reserve(all.who));
    CHECK_FALSE(all.engine.withdraw_reserve(all.who));
  }
  SECTION("by a session that ends") { CHECK(all.engine.close_session(all.who, all.now)); }
  CHECK(all.wanted() == std::vector{job});
  all.read(job);
  CHECK(all.events() == texts{granted(other, 'a')});
  CHECK(all.engine.look(job).value().reserves == 1);
}

TEST_CASE("a job counts as waited for when it is handed over, not when only its body is requested") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  const auto& wait = all.engine.timings(all.queue()).wait;
  all.now += 2s;
  REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
  CHECK(wait.count() == 0);

  SECTION("a job that is cancelled meanwhile never counts") {
    CHECK(all.engine.cancel(job, all.now));
    CHECK(wait.count() == 0);
  }
  SECTION("a job that is given back meanwhile counts once") {
    REQUIRE(all.engine.withdraw_reserve(all.who));
    REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
    all.read_all();
    CHECK(all.events() == texts{granted(all.who, 'a')});
    CHECK(wait.count() == 1);
  }
  SECTION("the wait ends when the job is reserved: the time of the read is not in it") {
    all.now += 3s;
    all.read_all();
    CHECK(wait.count() == 1);
    CHECK(wait.sum() == 2s);
  }
}

TEST_CASE("a job that was not ready when it was reserved by its id counts no wait, also when its body comes later") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a', {.delay = 1h});
  REQUIRE(all.engine.reserve_job(all.who, job, all.now).status == reserve_status::waiting);
  all.read_all();
  CHECK(all.events() == texts{granted(all.who, 'a')});
  CHECK(all.engine.timings(all.queue()).wait.count() == 0);
}

TEST_CASE("a body nobody waits for any more stays for the next one") {
  disk_fixture all{room_for(2)};
  all.put_safely('a');
  const auto job = all.put_safely('b');
  REQUIRE(all.take(all.who) == text_of('a'));
  REQUIRE(all.reserve(all.who) == reserve_status::waiting);
  REQUIRE(all.engine.withdraw_reserve(all.who));
  all.read_all();
  CHECK(all.events().empty());
  CHECK(all.in_memory(job));
  CHECK(all.take(all.who) == text_of('b'));
}

TEST_CASE("a job deleted while its body is on the way is gone, and counts no more") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  const auto other = all.session();
  REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
  CHECK_FALSE(all.engine.erase(other, job, all.now));
  REQUIRE(all.engine.withdraw_reserve(all.who));
  CHECK(all.engine.erase(other, job, all.now));
  all.read_all();
  CHECK(all.engine.job_count() == 0);
  CHECK(all.engine.bytes_of_bodies() == 0);
}

TEST_CASE("a body that cannot be read buries its job, and who waited for it stays first in line") {
  disk_fixture all{room_for(0)};
  const auto other = all.session();
  const auto job = all.put_safely('a');
  REQUIRE(all.reserve(all.who, 1h) == reserve_status::waiting);
  REQUIRE(all.reserve(other, 1h) == reserve_status::waiting);
  REQUIRE(all.wanted() == std::vector{job});
  SECTION("an error") { all.engine.body_lost(job, all.now); }
  SECTION("another length than was put") { all.engine.body_came(job, body{"a"}, all.now); }

  CHECK(all.state(job) == job_state::buried);
  CHECK(all.engine.look(job).value().error_text == "its body could not be read from disk");
  CHECK(all.engine.counts(all.queue()).buried[static_cast<std::size_t>(reason::io_error)].value() == 1);
  CHECK(all.engine.bytes_of_bodies() == 0);
  CHECK(all.events().empty());
  const auto third = all.session();
  all.put(third, text_of('b'));
  CHECK(all.events() == texts{granted(all.who, 'b')});
  all.put(third, text_of('c'));
  CHECK(all.events() == texts{granted(other, 'c')});

  // It is asked for again when somebody kicks it.
  CHECK(all.engine.kick_job(job, all.now));
  REQUIRE(all.reserve(all.who) == reserve_status::waiting);
  all.read_all();
  CHECK(all.events() == texts{granted(all.who, 'a')});
}

TEST_CASE("after a body that cannot be read, a reserve goes on with the next job, or to the end of its time") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  REQUIRE(all.reserve(all.who, 10s) == reserve_status::waiting);

  SECTION("which has its body") {
    all.put(all.session(), text_of('b'));
    all.engine.body_lost(job, all.now);
    CHECK(all.events() == texts{granted(all.who, 'b')});
  }
  SECTION("which has not") {
    const auto next = all.put(all.session(), text_of('b'));
    all.engine.stored(next);
    all.kept[next] = text_of('b');
    all.wanted();
    all.engine.body_lost(job, all.now);
    CHECK(all.events().empty());
    all.read_all();
    CHECK(all.events() == texts{granted(all.who, 'b')});
  }
  SECTION("there is none, and the time goes on") {
    all.engine.body_lost(job, all.now);
    CHECK(all.events().empty());
    all.pass(10s);
    CHECK(all.events() == texts{"timed_out " + std::to_string(all.who.value())});
  }
  SECTION("there is none, and the time is over") {
    all.pass(11s);
    all.engine.body_lost(job, all.now);
    CHECK(all.events() == texts{"timed_out " + std::to_string(all.who.value())});
  }
}

TEST_CASE("a job reserved by its id whose body cannot be read is not found") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  REQUIRE(all.engine.reserve_job(all.who, job, all.now).status == reserve_status::waiting);
  all.engine.body_lost(job, all.now);
  CHECK(all.state(job) == job_state::buried);
  CHECK(all.events() == texts{"not_found " + std::to_string(all.who.value())});
}

TEST_CASE("a body that was handed out leaves memory when its job is put back, if there is no room for it") {
  disk_fixture all{room_for(0)};
  const auto job = all.put_safely('a');
  REQUIRE(all.reserve(all.who) == reserve_status::waiting);
  all.read_all();
  CHECK(all.engine.bytes_of_bodies() == cost);
  SECTION("released") { REQUIRE(all.engine.release(all.who, job, 1, 0s, all.now)); }
  SECTION("delayed") { REQUIRE(all.engine.release(all.who, job, 1, 1s, all.now)); }
  SECTION("buried") { REQUIRE(all.engine.bury(all.who, job, 1, all.now)); }
  SECTION("its lease over") { all.pass(1h); }
  SECTION("its holder gone") { REQUIRE(all.engine.close_session(all.who, all.now)); }
  CHECK_FALSE(all.in_memory(job));
  CHECK(all.engine.bytes_of_bodies() == 0);
}
