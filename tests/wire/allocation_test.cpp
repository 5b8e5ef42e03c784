// The reader allocates bodies and nothing else. It reports when there is no memory for one.
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"

namespace {

std::size_t allocations = 0;
bool memory_is_gone = false;

void* allocated(std::size_t bytes) noexcept {
  ++allocations;
  return memory_is_gone ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
}

}  // namespace

void* operator new(std::size_t bytes) {
  void* const memory = allocated(bytes);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocated(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

using namespace millrace;
using namespace std::string_literals;
using found = wire::beanstalk_command_reader::found;

namespace {

/// The number of allocations when a reader gets the bytes in pieces of that size. `last`: the last result.
std::size_t allocations_of(std::string_view all, std::size_t piece, found& last) {
  wire::beanstalk_command_reader reader{100};
  wire::beanstalk_command into;
  last = found::nothing;
  const std::size_t before = allocations;
  for (; !all.empty(); all.remove_prefix(std::min(piece, all.size()))) {
    std::string_view bytes = all.substr(0, piece);
    for (found result; (result = reader.next(bytes, into)) != found::nothing;) last = result;
  }
  return allocations - before;
}

}  // namespace

TEST_CASE("nothing is allocated but bodies") {
  struct row {
    std::string bytes;
    found expected;
    std::size_t allocations;
  };
  const row rows[] = {{"put 0 0 60 3\r\nabc\r\n", found::command, 1},
                      {"put 0 0 60 100\r\n" + std::string(100, 'x') + "\r\n", found::command, 1},
                      {"put 0 0 60 0\r\n\r\n", found::command, 0},
                      {"put 0 0 60 101\r\n" + std::string(101, 'x') + "\r\n", found::job_too_big, 0},
                      {"put 0 0 60 -1\r\n", found::bad_format, 0},
                      {"use " + std::string(200, 'n') + "\r\n", found::command, 0},
                      {"watch email\r\n", found::command, 0},
                      {"reserve\r\n", found::command, 0},
                      {"reserve-with-timeout 10\r\n", found::command, 0},
                      {"release 1 2 3\r\n", found::command, 0},
                      {"delete 18446744073709551615\r\n", found::command, 0},
                      {"pause-tube " + std::string(200, 'n') + " 10\r\n", found::command, 0},
                      {"list-tubes-watched\r\n", found::command, 0},
                      {"nonsense\r\n", found::unknown_command, 0},
                      {std::string(1'000, 'x') + "\r\n", found::bad_format, 0}};
  for (const row& each : rows) {
    CAPTURE(each.bytes);
    for (const std::size_t piece : {1u, 2u, 5u, 10'000u}) {
      found last{};
      const std::size_t made = allocations_of(each.bytes, piece, last);
      CHECK(made == each.allocations);
      CHECK(last == each.expected);
    }
  }
}

TEST_CASE("a body that lies whole and ends badly takes no memory") {
  found last{};
  CHECK(allocations_of("put 0 0 60 3\r\nabcde", 100, last) == 0);
  CHECK(last == found::expected_crlf);
}

TEST_CASE("a body for which there is no memory is skipped, and said after its last byte") {
  const std::string all = "put 1 2 60 5\r\nabcde\r\nquit\r\n";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    wire::beanstalk_command_reader reader{100};
    wire::beanstalk_command into;
    std::string_view bytes = std::string_view{all}.substr(0, cut);
    memory_is_gone = true;
    found result = reader.next(bytes, into);
    if (result == found::nothing) {
      bytes = std::string_view{all}.substr(cut);
      result = reader.next(bytes, into);
    }
    memory_is_gone = false;
    CAPTURE(cut);
    CHECK(result == found::out_of_memory);
    CHECK(into.verb == wire::beanstalk_verb::put);
    CHECK(into.priority == 1);
    CHECK(into.count == 5);
    CHECK(into.content.size() == 0);
    // The rest of the first piece and the second piece make the next command.
    std::string rest{bytes};
    if (cut >= 21) rest += all.substr(cut);
    CHECK(rest == "quit\r\n");
    CHECK(reader.at_rest());
  }
}

TEST_CASE("once there is memory again, bodies are taken again") {
  wire::beanstalk_command_reader reader{100};
  wire::beanstalk_command into;
  std::string_view bytes = "put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\n";
  memory_is_gone = true;
  const found first = reader.next(bytes, into);
  memory_is_gone = false;
  CHECK(first == found::out_of_memory);
  CHECK(reader.next(bytes, into) == found::command);
  CHECK(into.content.view() == "b");
}
