#include <millrace/base/linked_list.hpp>

#include <vector>

#include "support/catch.hpp"

using namespace millrace;

namespace {

struct element : list_link<element> {
  explicit element(int n) : number{n} {}
  int number;
};

std::vector<int> numbers(const linked_list<element>& list) {
  std::vector<int> all;
  for (const element* each = list.first(); each != nullptr; each = list.next(*each)) all.push_back(each->number);
  return all;
}

}  // namespace

TEST_CASE("elements join a list at both ends and stay in order") {
  element one{1}, two{2}, three{3};
  linked_list<element> list;
  CHECK(list.empty());
  CHECK(list.first() == nullptr);
  list.push_back(two);
  list.push_back(three);
  list.push_front(one);
  CHECK(numbers(list) == std::vector<int>{1, 2, 3});
  CHECK(list.size() == 3);
}

TEST_CASE("an element leaves a list from any place") {
  element one{1}, two{2}, three{3};
  linked_list<element> list;
  for (auto* const each : {&one, &two, &three}) list.push_back(*each);
  list.remove(two);
  CHECK(numbers(list) == std::vector<int>{1, 3});
  list.remove(one);
  CHECK(numbers(list) == std::vector<int>{3});
  list.remove(three);
  CHECK(list.empty());
  CHECK(list.size() == 0);
}

TEST_CASE("an element that has left can join again, also another list") {
  element one{1}, two{2};
  linked_list<element> list, other;
  list.push_back(one);
  list.push_back(two);
  list.remove(one);
  other.push_back(one);
  CHECK(numbers(list) == std::vector<int>{2});
  CHECK(numbers(other) == std::vector<int>{1});
  other.remove(one);
  list.push_back(one);
  CHECK(numbers(list) == std::vector<int>{2, 1});
}
