// A producer's step is handed to the store together with its job, or not at all.
#include "broker/source_steps.hpp"

#include <string>
#include <variant>
#include <vector>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// Notes each change set as words: `put 1`, `gone 1`, `step 10`.
class noting_store final : public store::store {
 public:
  millrace::store::batch_id append(engine::change_set& changes) override { return note("", changes); }
  millrace::store::batch_id append_relaxed(engine::change_set& changes) override { return note("soon: ", changes); }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return 0; }
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] bool short_of_space(std::uint64_t) const override { return is_full; }

  std::vector<std::string> take() { return std::exchange(sets, {}); }

  bool is_full{false};
  std::vector<std::string> sets;

 private:
  millrace::store::batch_id note(std::string words, engine::change_set& changes) {
    for (const auto& one : changes) {
      if (const auto* const put = std::get_if<engine::job_put>(&one))
        words += "put " + std::string{put->request.content.view()};
      if (std::holds_alternative<engine::job_gone>(one)) words += "gone ";
      if (const auto* const moved = std::get_if<engine::source_moved>(&one)) {
        CHECK(moved->source->producer == "words");
        words += " step " + std::to_string(moved->to.place);
      }
    }
    changes.clear();
    sets.push_back(words);
    return 1;
  }
};

const engine::source_name words_of_lines{"words", "lines"};

broker::source_step step(std::uint64_t place) { return {&words_of_lines, {.place = place}}; }

engine::put_status put(broker_fixture& fixture, queue_id queue, std::string_view content, std::uint64_t place) {
  const auto to = step(place);
  return fixture.broker.try_put(fixture.producer, queue, {.content = body{content}}, &to).answer.status;
}

using sets = std::vector<std::string>;

}  // namespace

TEST_CASE("a step goes with the put, as soon as the queue of the put wants it") {
  noting_store store;
  broker_fixture fixture{&store};
  const auto sync = fixture.queue("sync", {.durability = engine::durability::sync});
  const auto relaxed = fixture.queue("relaxed", {.durability = engine::durability::relaxed});
  const auto memory = fixture.queue("memory");
  CHECK(fixture.broker.is_on_disk(sync));
  CHECK(fixture.broker.is_on_disk(relaxed));
  CHECK_FALSE(fixture.broker.is_on_disk(memory));
  put(fixture, sync, "a", 10);
  put(fixture, relaxed, "b", 20);
  put(fixture, memory, "c", 30);
  CHECK(store.take() == sets{"put a step 10", "soon: put b step 20"});
}

TEST_CASE("the step of a put that waits for capacity goes when the put is admitted") {
  noting_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue(
      "full", {.max_jobs = 1, .when_full = engine::overflow::block, .durability = engine::durability::sync});
  CHECK(put(fixture, queue, "a", 10) == engine::put_status::inserted);
  CHECK(put(fixture, queue, "b", 20) == engine::put_status::waiting);
  CHECK(store.take() == sets{"put a step 10"});
  broker_fixture::answer answer;
  fixture.await_put(fixture.producer, answer);
  const auto worker = fixture.watching_session("full");
  const auto taken = fixture.broker.try_reserve(worker, engine::lease::unlimited).answer;
  static_cast<void>(fixture.broker.try_finish(worker, {.job = taken.job.job}));
  fixture.loop.run_ready();
  REQUIRE(answer.put.has_value());
  CHECK(store.take() == sets{"gone put b step 20"});
}

TEST_CASE("the step of a put that is withdrawn goes nowhere") {
  const bool by_closing = GENERATE(true, false);
  noting_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue(
      "full", {.max_jobs = 1, .when_full = engine::overflow::block, .durability = engine::durability::sync});
  put(fixture, queue, "a", 10);
  put(fixture, queue, "b", 20);
  store.take();
  if (by_closing) {
    REQUIRE(fixture.broker.try_close_session(fixture.producer));
  } else {
    broker_fixture::answer answer;
    fixture.await_put(fixture.producer, answer);
    fixture.loop.run_ready();
    fixture.scope.cancel();
    fixture.loop.run_ready();
    CHECK(answer.aborted);
  }
  const auto worker = fixture.watching_session("full");
  const auto taken = fixture.broker.try_reserve(worker, engine::lease::unlimited).answer;
  static_cast<void>(fixture.broker.try_finish(worker, {.job = taken.job.job}));
  fixture.loop.run_ready();
  CHECK(store.take() == sets{"gone "});
}

TEST_CASE("a body that is refused has had its turn, one without space on disk has not") {
  noting_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue(
      "full", {.max_jobs = 1, .when_full = engine::overflow::reject, .durability = engine::durability::sync});
  put(fixture, queue, "a", 10);
  store.take();
  CHECK(put(fixture, queue, "b", 20) == engine::put_status::refused);
  CHECK(store.take() == sets{"soon:  step 20"});
  store.is_full = true;
  engine::put_request job{.content = body{"c"}};
  const auto to = step(30);
  // A put that is refused does not move from its job.
  const auto refused = fixture.broker.try_put(fixture.producer, queue, static_cast<engine::put_request&&>(job), &to);
  CHECK(refused.answer.status == engine::put_status::no_space);
  CHECK(job.content.view() == "c");
  CHECK(store.take().empty());
  fixture.broker.refuse_puts();
  store.is_full = false;
  CHECK(put(fixture, queue, "d", 40) == engine::put_status::draining);
  CHECK(store.take().empty());
}
