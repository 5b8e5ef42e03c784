#include "broker/view.hpp"

#include "broker/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::desk;

TEST_CASE("a view shows the queues in order of creation with their counts, levels and first jobs") {
  desk at;
  const auto first = at.queue("first");
  at.queue("second");
  at.queue("third");
  at.put(first, "a");
  at.put(first, "b", seconds{3});
  const broker::view view{at.broker};

  const auto queues = view.queues(2);

  REQUIRE(queues.size() == 2);
  CHECK(queues[0].name == "first");
  CHECK(queues[1].name == "second");
  CHECK(queues[0].counts->puts.value() == 2);
  CHECK(queues[0].levels.ready == 1);
  CHECK(queues[0].levels.oldest_ready == at.loop.now());
  CHECK(view.queue_count() == 3);
  CHECK(view.job_count() == 2);
  CHECK(view.queue("third")->levels.jobs() == 0);
  CHECK_FALSE(view.queue("fourth"));
  CHECK(view.first_ready(first)->content.view() == "a");
  CHECK(view.first_delayed(first)->content.view() == "b");
  CHECK_FALSE(view.first_buried(first));
  CHECK(view.look(view.first_ready(first)->job)->queue == first);
}
