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

  std::size_t kept{0};
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
