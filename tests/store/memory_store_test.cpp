#include "store/memory_store.hpp"

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("the memory store keeps nothing and calls everything safe at once") {
  store::memory_store store;
  engine::change_set changes{engine::job_gone{job_id{7}, queue_id{1}}};

  const auto batch = store.append(changes);

  CHECK(batch == 0);
  CHECK(changes.empty());
  CHECK(store.durable_up_to() == 0);
  CHECK_FALSE(store.is_persistent());
}
