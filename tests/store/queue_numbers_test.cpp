#include "store/queue_numbers.hpp"

#include <limits>
#include <string>

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("after the highest number of a queue come the lowest that no row of the file has") {
  const std::string name{"any"};
  store::queue_numbers numbers{[&](queue_id) { return std::string_view{name}; }};
  store::batch open;
  constexpr auto highest = std::numeric_limits<store::queue_number>::max();
  numbers.recovered(1, queue_id{10}, name, false, 0);
  numbers.recovered(highest - 1, queue_id{11}, name, false, 0);
  numbers.forgotten(3, open);
  CHECK(numbers.number_of(queue_id{20}, open) == highest);
  CHECK(numbers.number_of(queue_id{21}, open) == 2);
  CHECK(numbers.number_of(queue_id{22}, open) == 4);
  CHECK(numbers.number_of(queue_id{10}, open) == 1);
}
