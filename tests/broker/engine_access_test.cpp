#include <vector>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

TEST_CASE(
    "the engine behind the broker shows the queues in order of creation with their counts, levels and first jobs") {
  broker_fixture fixture;
  const auto first = fixture.queue("first");
  fixture.queue("second");
  fixture.queue("third");
  fixture.put(first, "a");
  fixture.put(first, "b", seconds{3});
  const auto& engine = fixture.broker.engine();

  std::vector<queue_id> queues;
  CHECK(engine.list_queues(0, 2, queues) != 0);

  REQUIRE(queues.size() == 2);
  CHECK(engine.name_of(queues[0]) == "first");
  CHECK(engine.name_of(queues[1]) == "second");
  CHECK(engine.counts(queues[0]).puts.value() == 2);
  CHECK(engine.levels(queues[0]).ready == 1);
  CHECK(engine.levels(queues[0]).oldest_ready == fixture.loop.now());
  CHECK(engine.queue_count() == 3);
  CHECK(engine.job_count() == 2);
  CHECK(engine.levels(engine.find("third").value()).jobs() == 0);
  CHECK_FALSE(engine.find("fourth"));
  CHECK(engine.first_ready(first)->content.view() == "a");
  CHECK(engine.first_delayed(first)->content.view() == "b");
  CHECK_FALSE(engine.first_buried(first));
  CHECK(engine.look(engine.first_ready(first)->job)->queue == first);
}
