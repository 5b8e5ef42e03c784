#include <limits>
#include <string>
#include <vector>

#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"

using namespace millrace;
using wire::beanstalk_command;
using wire::beanstalk_verb;

namespace {

std::string wire_of(const beanstalk_command& what) {
  std::string text;
  wire::append(text, what);
  return text;
}

/// Only the members that this verb means.
beanstalk_command sayable(beanstalk_verb verb, std::uint64_t job, std::uint32_t number, const std::string& tube) {
  beanstalk_command what{.verb = verb};
  switch (verb) {
    case beanstalk_verb::put:
      what.priority = what.delay = what.ttr = number;
      what.content = body{"body of " + tube};
      what.count = what.content.size();
      break;
    case beanstalk_verb::use:
    case beanstalk_verb::watch:
    case beanstalk_verb::ignore:
    case beanstalk_verb::stats_tube:
      what.tube = tube;
      break;
    case beanstalk_verb::reserve_with_timeout:
      what.count = std::min(number, wire::timeout_seconds_max);
      break;
    case beanstalk_verb::kick:
      what.count = number;
      break;
    case beanstalk_verb::release:
      what.delay = number;
      [[fallthrough]];
    case beanstalk_verb::bury:
      what.priority = number;
      [[fallthrough]];
    case beanstalk_verb::reserve_job:
    case beanstalk_verb::delete_job:
    case beanstalk_verb::touch:
    case beanstalk_verb::peek:
    case beanstalk_verb::kick_job:
    case beanstalk_verb::stats_job:
      what.job = job;
      break;
    case beanstalk_verb::pause_tube:
      what.tube = tube;
      what.delay = number;
      break;
    default:
      break;
  }
  return what;
}

}  // namespace

TEST_CASE("what is written is what was meant, for every verb and however it is cut") {
  const std::string long_name(wire::tube_name_bytes_max, 'n');
  std::string pipeline;
  testing::transcript expected;
  for (std::size_t verb = 0; verb < wire::beanstalk_verb_count; ++verb) {
    for (const auto number : {0u, 1u, 4'294'967'295u}) {
      for (const auto& name : {std::string{"t"}, long_name}) {
        const auto job = number == 4'294'967'295u ? std::numeric_limits<std::uint64_t>::max() : number;
        const auto what = sayable(static_cast<beanstalk_verb>(verb), job, number, name);
        const auto bytes = wire_of(what);
        testing::check_commands(bytes, {testing::text_of(what)});
        pipeline += bytes;
        expected.push_back(testing::text_of(what));
      }
    }
  }
  CHECK(testing::commands_in(pipeline) == expected);
}

TEST_CASE("commands as they go over the wire") {
  CHECK(wire_of({.verb = beanstalk_verb::put, .priority = 1, .delay = 2, .ttr = 3, .content = body{"ab\r\n"}}) ==
        "put 1 2 3 4\r\nab\r\n\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::put}) == "put 0 0 0 0\r\n\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::release, .job = 5, .priority = 6, .delay = 7}) == "release 5 6 7\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::pause_tube, .delay = 7, .tube = "t"}) == "pause-tube t 7\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::reserve_with_timeout, .count = 7}) == "reserve-with-timeout 7\r\n");
  CHECK(wire_of({}) == "quit\r\n");
}

TEST_CASE("a command is appended to what stands there") {
  std::string text = "stats\r\n";
  wire::append(text, {.verb = beanstalk_verb::quit});
  CHECK(text == "stats\r\nquit\r\n");
}

TEST_CASE("every verb has its own name") {
  std::vector<std::string_view> names;
  for (std::size_t verb = 0; verb < wire::beanstalk_verb_count; ++verb)
    names.push_back(wire::name_of(static_cast<beanstalk_verb>(verb)));
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(wire::name_of(beanstalk_verb::delete_job) == "delete");
  CHECK(wire::name_of(beanstalk_verb::quit) == "quit");
  CHECK(wire::name_of(beanstalk_verb::list_tubes_watched) == "list-tubes-watched");
}
