#include <string>

#include "store/data_files.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

engine::source_moved moved(const engine::source_name* source, std::uint64_t place) {
  return {queue_id{1}, source, {place, place * 3, place / 10}};
}

}  // namespace

TEST_CASE("a position comes back with the jobs of its batch") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    CHECK_FALSE(desk.store->position_of("words").has_value());
    const auto* const words = desk.store->name_source("words", "lines");
    const auto* const numbers = desk.store->name_source("numbers", "range");
    for (std::uint64_t id = 1; id <= 5; ++id) {
      engine::change_set both{put_of(id, "x"), moved(words, 10 * id)};
      desk.store->append(both);
    }
    desk.until_durable(desk.append(moved(numbers, 70)));
    // A job that is gone before its commit leaves no row, but its position does.
    desk.append(put_of(6, "x"));
    desk.append(moved(words, 60));
    desk.until_durable(desk.append(engine::job_gone{job_id{6}, queue_id{1}}));
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() == 5);
  REQUIRE(again.store->position_of("words").has_value());
  CHECK(again.store->position_of("words")->source.kind == "lines");
  CHECK(again.store->position_of("words")->at == engine::source_place{60, 180, 6});
  REQUIRE(again.store->position_of("numbers").has_value());
  CHECK(again.store->position_of("numbers")->at == engine::source_place{70, 210, 7});
}

TEST_CASE("a position that stands alone in its batch is written") {
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    engine::change_set alone{moved(desk.store->name_source("words", "lines"), 40)};
    desk.until_durable(desk.store->append(alone));
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  again.recover();
  REQUIRE(again.store->position_of("words").has_value());
  CHECK(again.store->position_of("words")->at.place == 40);
}

TEST_CASE("the position of a producer that is not in the settings any more stays") {
  scratch_directory scratch;
  for (int life = 0; life < 3; ++life) {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    desk.recover();
    CHECK(desk.store->position_of("words").has_value() == (life > 0));
    const auto* const name = desk.store->name_source(life == 0 ? "words" : "others", "lines");
    desk.until_durable(desk.append(moved(name, 40)));
  }
}
