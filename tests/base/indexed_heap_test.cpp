#include "base/indexed_heap.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;

namespace {

constexpr std::size_t outside = SIZE_MAX;

/// A number that keeps its index in a table of indexes.
struct element {
  int number{0};
  std::size_t* index{nullptr};

  [[nodiscard]] bool before(const element& other) const noexcept { return number < other.number; }
  void moved_to(std::size_t to) const noexcept { *index = to; }
};

using heap = indexed_heap<element, 16>;

std::vector<int> drain(heap& from) {
  std::vector<int> numbers;
  while (!from.empty()) {
    numbers.push_back(from.first().number);
    *from.first().index = outside;
    from.remove(0);
  }
  return numbers;
}

}  // namespace

TEST_CASE("a heap gives out its elements in order") {
  heap numbers;
  std::size_t index[6];
  const int pushed[] = {5, 3, 9, 1, 7, 3};
  for (std::size_t i = 0; i < 6; ++i) numbers.push({pushed[i], &index[i]});
  CHECK(numbers.size() == 6);
  CHECK(drain(numbers) == std::vector<int>{1, 3, 3, 5, 7, 9});
}

TEST_CASE("an element that is replaced moves to where its new order belongs") {
  heap numbers;
  std::size_t index[40];
  for (int i = 0; i < 40; ++i) numbers.push({i, &index[i]});
  numbers.replace(index[39], {-1, &index[39]});
  CHECK(numbers.first().number == -1);
  numbers.replace(index[39], {100, &index[39]});
  CHECK(numbers.first().number == 0);
  CHECK(numbers[index[39]].number == 100);
}

TEST_CASE("after any mixture of changes each element knows its index and the order holds") {
  std::mt19937 random{20261129};
  heap numbers;
  std::vector<std::size_t> index(200, outside);
  std::vector<int> value(index.size());
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t chosen = random() % index.size();
    const int number = static_cast<int>(random() % 1'000);
    if (index[chosen] == outside) {
      value[chosen] = number;
      numbers.push({number, &index[chosen]});
    } else if (random() % 2 == 0) {
      value[chosen] = number;
      numbers.replace(index[chosen], {number, &index[chosen]});
    } else {
      const std::size_t gap = index[chosen];
      index[chosen] = outside;
      numbers.remove(gap);
    }
  }
  std::vector<int> expected;
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (index[i] == outside) continue;
    REQUIRE(numbers[index[i]].index == &index[i]);
    expected.push_back(value[i]);
  }
  std::sort(expected.begin(), expected.end());
  CHECK(drain(numbers) == expected);
}
