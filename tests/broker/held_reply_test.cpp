#include "broker/held_reply.hpp"

#include <functional>
#include <vector>

#include "broker/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::desk;

namespace {

/// Each command is a batch; safe when the test says so.
class slow_store final : public store::store {
 public:
  millrace::store::batch_id keep(engine::change_set& changes) override {
    kept += changes.size();
    changes.clear();
    return ++newest;
  }
  [[nodiscard]] millrace::store::batch_id safe_up_to() const override { return safe; }
  void when_safe(std::function<void()> moved) override { tell = std::move(moved); }
  [[nodiscard]] bool remembers() const override { return true; }

  void commit(millrace::store::batch_id upto) {
    safe = upto;
    tell();
  }

  millrace::store::batch_id keep_soon(engine::change_set& changes) override {
    kept_soon += changes.size();
    changes.clear();
    return newest;
  }
  millrace::store::batch_id lease_ids(std::uint64_t up_to) override {
    leased_up_to = up_to;
    return ++newest;
  }

  std::size_t kept{0};
  std::size_t kept_soon{0};
  [[nodiscard]] bool short_of_space() const override { return is_full; }

  std::uint64_t leased_up_to{0};
  bool is_full{false};
  millrace::store::batch_id newest{0};
  millrace::store::batch_id safe{0};
  std::function<void()> tell;
};

loop::awaitable<> say_when_safe(broker::broker& broker, store::batch_id batch, std::vector<store::batch_id>& said) {
  co_await broker.until_safe(batch);
  said.push_back(batch);
}

}  // namespace

TEST_CASE("with a store that remembers, a reply leaves when the batch of its changes is safe") {
  slow_store store;
  desk at{&store};
  const auto queue = at.queue("durable", {.safety = engine::durability::sync});
  at.put(queue, "a");
  const auto first = at.broker.newest_batch();
  at.put(queue, "b");
  const auto second = at.broker.newest_batch();
  REQUIRE(store.kept == 2);
  REQUIRE(first < second);
  std::vector<store::batch_id> said;
  const auto cancelled = at.scope.spawn("cancelled", say_when_safe(at.broker, first, said));
  at.scope.spawn("second", say_when_safe(at.broker, second, said));
  at.scope.spawn("first", say_when_safe(at.broker, first, said));
  at.loop.run_ready();
  CHECK(said.empty());

  at.loop.cancel(cancelled);
  store.commit(first);
  at.loop.run_ready();
  CHECK(said.back() == first);
  CHECK(std::count(said.begin(), said.end(), second) == 0);

  store.commit(second);
  at.loop.run_ready();
  CHECK(said.back() == second);
}

TEST_CASE("a command that changed nothing has no batch of its own to wait for") {
  slow_store store;
  desk at{&store};
  const auto queue = at.queue("durable", {.safety = engine::durability::sync});
  at.put(queue, "a");
  const auto batch = at.broker.newest_batch();

  at.broker.try_reserve(at.broker.open_session(), engine::lease::unlimited);

  CHECK(at.broker.newest_batch() == batch);
}

TEST_CASE("without a store that remembers, everything is safe at once") {
  desk at;
  at.put(at.queue("work"), "a");
  std::vector<store::batch_id> said;

  at.scope.spawn("reply", say_when_safe(at.broker, at.broker.newest_batch(), said));
  at.loop.run_ready();

  CHECK(said.size() == 1);
}

TEST_CASE(
    "queues in memory reach no store, relaxed ones are waited for by nobody, and a hand-off is as safe as the safest "
    "of its queues") {
  slow_store store;
  desk at{&store};
  const auto memory = at.queue("memory"), relaxed = at.queue("relaxed", {.safety = engine::durability::relaxed}),
             sync = at.queue("sync", {.safety = engine::durability::sync});
  at.put(memory, "ids are leased");
  store.commit(store.newest);

  at.put(memory, "a");
  CHECK(store.kept + store.kept_soon == 0);
  CHECK(at.broker.is_safe(at.broker.batch_of_last_command()));
  at.put(relaxed, "b");
  CHECK(store.kept_soon == 1);
  CHECK(at.broker.is_safe(at.broker.batch_of_last_command()));
  at.put(sync, "c");
  CHECK(store.kept == 1);
  CHECK_FALSE(at.broker.is_safe(at.broker.batch_of_last_command()));

  const auto worker = at.watcher("relaxed");
  const auto job = at.broker.try_reserve(worker, engine::lease::unlimited).job.job;
  engine::finish_request done;
  done.job = job;
  done.outputs.push_back({sync, {.content = body{"d"}}});
  CHECK(at.broker.try_finish(worker, std::move(done)) == engine::finish_status::done);
  CHECK(store.kept == 3);
  CHECK(store.kept_soon == 1);
}

TEST_CASE("who waited for room in memory is told its id when the lease of that is on disk") {
  slow_store store;
  desk at{&store};
  const auto queue = at.queue("memory", {.max_jobs = 1});
  const auto first = at.put(queue, "a").job;
  REQUIRE(at.broker.try_put(at.broker.open_session(), queue, {.content = body{"b"}}).status ==
          engine::put_status::waiting);
  REQUIRE(at.broker.erase(at.producer, first));
  REQUIRE(at.levels(queue).ready == 1);
  CHECK_FALSE(at.broker.is_safe(at.broker.newest_batch()));
  store.commit(store.newest);
  CHECK(at.broker.is_safe(at.broker.newest_batch()));
}

TEST_CASE("nobody is told an id before its lease is on disk, also of a queue in memory") {
  slow_store store;
  desk at{&store};
  at.broker.begin_restore();
  at.broker.end_restore(500'000);
  const auto queue = at.queue("memory");
  CHECK(at.put(queue, "a").job == job_id{500'001});
  const auto batch = at.broker.batch_of_last_command();
  CHECK(store.leased_up_to > 500'001);
  CHECK_FALSE(at.broker.is_safe(batch));
  store.commit(batch);
  at.put(queue, "b");
  CHECK(at.broker.batch_of_last_command() == 0);
}

TEST_CASE("the mark that was kept is left alone until an id is given") {
  slow_store store;
  desk at{&store};
  const auto queue = at.queue("declared before anything was read");
  at.broker.begin_restore();
  at.broker.end_restore(500'000);
  at.queue("declared afterwards");
  CHECK(store.leased_up_to == 0);
  at.put(queue, "a");
  CHECK(store.leased_up_to > 500'001);
}

TEST_CASE("a put that the disk has no room for is refused at once, whatever others wait for") {
  slow_store store;
  desk at{&store};
  const auto queue = at.queue("durable", {.safety = engine::durability::sync});
  at.put(queue, "a");
  REQUIRE_FALSE(at.broker.is_safe(at.broker.batch_of_last_command()));
  store.is_full = true;
  const auto session = at.broker.open_session();
  CHECK(at.broker.try_put(session, queue, {.content = body{"b"}}).status == engine::put_status::no_space);
  CHECK(at.broker.is_safe(at.broker.batch_of_last_command()));
}

TEST_CASE("the last lease of ids ends at the highest id; puts beyond it are refused and lease nothing more") {
  slow_store store;
  desk d{&store};
  d.broker.begin_restore();
  d.broker.end_restore(job_id_max.value() - 2);
  const auto queue = d.queue("q");
  CHECK(d.put(queue, "a").job == job_id{job_id_max.value() - 1});
  CHECK(store.leased_up_to == job_id_max.value());
  CHECK(d.put(queue, "b").job == job_id_max);
  const auto batches = store.newest;
  CHECK(d.put(queue, "c").status == engine::put_status::refused);
  CHECK(store.newest == batches);
  store.commit(batches);
  CHECK(d.broker.is_safe(d.broker.batch_of_ids()));
}
