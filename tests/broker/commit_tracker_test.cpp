// Waiting for commits, and which changes reach the store in which way.
#include "broker/commit_tracker.hpp"

#include <functional>
#include <vector>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// Each command is a batch. The test decides when it commits.
class slow_store final : public store::store {
 public:
  millrace::store::batch_id append(engine::change_set& changes) override {
    kept += changes.size();
    changes.clear();
    return ++newest;
  }
  [[nodiscard]] millrace::store::batch_id durable_up_to() const override { return safe; }
  void set_on_durable(std::function<void()> moved) override { tell = std::move(moved); }
  [[nodiscard]] bool is_persistent() const override { return true; }

  void commit(millrace::store::batch_id upto) {
    safe = upto;
    tell();
  }

  millrace::store::batch_id append_relaxed(engine::change_set& changes) override {
    kept_soon += changes.size();
    changes.clear();
    return newest;
  }
  millrace::store::batch_id reserve_ids(std::uint64_t up_to) override {
    reserved_up_to = up_to;
    return ++newest;
  }

  std::size_t kept{0};
  std::size_t kept_soon{0};
  [[nodiscard]] bool short_of_space(std::uint64_t) const override { return is_full; }

  std::uint64_t reserved_up_to{0};
  bool is_full{false};
  millrace::store::batch_id newest{0};
  millrace::store::batch_id safe{0};
  std::function<void()> tell;
};

loop::awaitable<> note_when_durable(broker::broker& broker, broker::receipt receipt,
                                    std::vector<store::batch_id>& durable) {
  co_await broker.until_durable(receipt);
  durable.push_back(receipt.batch);
}

}  // namespace

TEST_CASE("a task that waits for a receipt is woken when its batch is durable, and not before") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("durable", {.durability = engine::durability::sync});
  const auto first = fixture.receipt_of_put(queue, "a");
  const auto second = fixture.receipt_of_put(queue, "b");
  REQUIRE(store.kept == 2);
  REQUIRE(first.batch < second.batch);
  std::vector<store::batch_id> durable;
  const auto cancelled = fixture.scope.spawn("cancelled", note_when_durable(fixture.broker, first, durable));
  fixture.scope.spawn("second", note_when_durable(fixture.broker, second, durable));
  fixture.scope.spawn("first", note_when_durable(fixture.broker, first, durable));
  fixture.loop.run_ready();
  CHECK(durable.empty());

  fixture.loop.cancel(cancelled);
  store.commit(first.batch);
  fixture.loop.run_ready();
  CHECK(durable.back() == first.batch);
  CHECK(std::count(durable.begin(), durable.end(), second.batch) == 0);

  store.commit(second.batch);
  fixture.loop.run_ready();
  CHECK(durable.back() == second.batch);
}

TEST_CASE("a reserve does not wait for the commits of others") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("durable", {.durability = engine::durability::sync});
  store.commit(fixture.receipt_of_put(queue, "a").batch);
  fixture.put(queue, "b");

  CHECK(fixture.broker.try_reserve(fixture.broker.open_session(), engine::lease::unlimited).durable_with ==
        broker::receipt{});
}

TEST_CASE("without a persistent store, everything is durable at once") {
  broker_fixture fixture;
  const auto receipt = fixture.receipt_of_put(fixture.queue("work"), "a");
  CHECK(receipt == broker::receipt{});
  std::vector<store::batch_id> durable;

  fixture.scope.spawn("reply", note_when_durable(fixture.broker, receipt, durable));
  fixture.loop.run_ready();

  CHECK(durable.size() == 1);
}

TEST_CASE(
    "queues in memory reach no store, relaxed ones are waited for by nobody, and a hand-off is as safe as the safest "
    "of its queues") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto memory = fixture.queue("memory"),
             relaxed = fixture.queue("relaxed", {.durability = engine::durability::relaxed}),
             sync = fixture.queue("sync", {.durability = engine::durability::sync});
  fixture.put(memory, "ids are reserved");
  store.commit(store.newest);

  CHECK(fixture.broker.is_durable(fixture.receipt_of_put(memory, "a")));
  CHECK(store.kept + store.kept_soon == 0);
  CHECK(fixture.broker.is_durable(fixture.receipt_of_put(relaxed, "b")));
  CHECK(store.kept_soon == 1);
  CHECK_FALSE(fixture.broker.is_durable(fixture.receipt_of_put(sync, "c")));
  CHECK(store.kept == 1);

  const auto worker = fixture.watching_session("relaxed");
  const auto job = fixture.broker.try_reserve(worker, engine::lease::unlimited).answer.job.job;
  engine::finish_request done;
  done.job = job;
  done.outputs.push_back({sync, {.content = body{"d"}}});
  const auto answer = fixture.broker.try_finish(worker, std::move(done)).answer;
  CHECK(answer == engine::finish_status::done);
  CHECK(store.kept == 3);
  CHECK(store.kept_soon == 1);
}

TEST_CASE("the id of a put that waited for capacity in memory is reported when the lease of that id is on disk") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("memory", {.max_jobs = 1});
  const auto first = fixture.put(queue, "a").job;
  const auto waits = fixture.broker.open_session();
  REQUIRE(fixture.broker.try_put(waits, queue, {.content = body{"b"}}).answer.status == engine::put_status::waiting);
  REQUIRE(fixture.broker.erase(fixture.producer, first).answer);
  REQUIRE(fixture.levels(queue).ready == 1);
  broker_fixture::answer admitted;
  fixture.await_put(waits, admitted);
  fixture.loop.run_ready();
  REQUIRE(admitted.put);
  CHECK_FALSE(fixture.broker.is_durable(admitted.receipt));
  store.commit(store.newest);
  CHECK(fixture.broker.is_durable(admitted.receipt));
}

TEST_CASE("an id is not reported before its lease is on disk, also for a queue in memory") {
  slow_store store;
  broker_fixture fixture{&store};
  fixture.broker.begin_restore();
  fixture.broker.end_restore(500'000);
  const auto queue = fixture.queue("memory");
  const auto first = fixture.broker.try_put(fixture.producer, queue, {.content = body{"a"}});
  CHECK(first.answer.job == job_id{500'001});
  CHECK(store.reserved_up_to > 500'001);
  CHECK_FALSE(fixture.broker.is_durable(first.durable_with));
  store.commit(first.durable_with.batch);
  CHECK(fixture.receipt_of_put(queue, "b").batch == 0);
}

TEST_CASE("the mark that was kept is left alone until an id is given") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("declared before anything was read");
  fixture.broker.begin_restore();
  fixture.broker.end_restore(500'000);
  fixture.queue("declared afterwards");
  CHECK(store.reserved_up_to == 0);
  fixture.put(queue, "a");
  CHECK(store.reserved_up_to > 500'001);
}

TEST_CASE("a put that the disk has no space for is refused at once, whatever others wait for") {
  slow_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("durable", {.durability = engine::durability::sync});
  REQUIRE_FALSE(fixture.broker.is_durable(fixture.receipt_of_put(queue, "a")));
  store.is_full = true;
  const auto session = fixture.broker.open_session();
  const auto refused = fixture.broker.try_put(session, queue, {.content = body{"b"}});
  CHECK(refused.answer.status == engine::put_status::no_space);
  CHECK(refused.durable_with == broker::receipt{});
}

TEST_CASE("a put of a client that meets a full disk is counted by its queue, with that reason") {
  struct no_decision final : broker::decision_taker {
    void on_decision(broker::decision&&) noexcept override {}
  } client;
  slow_store store;
  broker_fixture fixture{&store};
  const auto durable = fixture.queue("durable", {.durability = engine::durability::sync});
  const auto memory = fixture.queue("memory");
  store.is_full = true;
  const auto session = fixture.broker.open_session();
  const auto refused = fixture.broker.put(session, durable, {.content = body{"a"}}, client).answer;
  CHECK(refused.status == engine::put_status::refused);
  CHECK(refused.refusal == engine::reason::no_space);
  CHECK(fixture.broker.put(session, memory, {.content = body{"a"}}, client).answer.status ==
        engine::put_status::inserted);
  const auto no_space = static_cast<std::size_t>(engine::reason::no_space);
  CHECK(fixture.broker.engine().counts(durable).rejected[no_space].value() == 1);
  CHECK(fixture.broker.engine().counts(memory).rejected[no_space].value() == 0);
}

TEST_CASE("the last block of ids ends at the highest id; puts beyond it are refused and reserve nothing more") {
  slow_store store;
  broker_fixture d{&store};
  d.broker.begin_restore();
  d.broker.end_restore(job_id_max.value() - 2);
  const auto queue = d.queue("q");
  CHECK(d.put(queue, "a").job == job_id{job_id_max.value() - 1});
  CHECK(store.reserved_up_to == job_id_max.value());
  CHECK(d.put(queue, "b").job == job_id_max);
  const auto batches = store.newest;
  CHECK(d.put(queue, "c").status == engine::put_status::refused);
  CHECK(store.newest == batches);
  store.commit(batches);
  CHECK(d.broker.try_reserve(d.watching_session("q"), engine::lease::ttr).durable_with.batch == 0);
}
