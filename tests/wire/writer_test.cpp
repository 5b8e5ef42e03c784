#include <limits>
#include <string>
#include <vector>

#include "base/queue_name.hpp"
#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_arguments.hpp"
#include "wire/beanstalk_command.hpp"

using namespace millrace;
using wire::beanstalk_command;
using wire::beanstalk_verb;

namespace {

std::string wire_of(const beanstalk_command& command) {
  std::string text;
  wire::append(text, command);
  return text;
}

/// Sets every argument that a command has.
struct argument_setter {
  std::uint64_t id;
  std::uint32_t number;
  std::string_view name;

  bool job(std::uint64_t& value) const { return set(value, id); }
  bool priority(std::uint32_t& value) const { return set(value, number); }
  bool delay(std::uint32_t& value) const { return set(value, number); }
  bool ttr(std::uint32_t& value) const { return set(value, number); }
  bool timeout(std::uint32_t& value) const { return set(value, std::min(number, wire::timeout_seconds_max)); }
  bool bound(std::uint32_t& value) const { return set(value, number); }
  bool body_bytes(std::uint32_t&) const { return true; }
  bool tube(std::string_view& value) const { return set(value, name); }
  bool last_tube(std::string_view& value) const { return set(value, name); }

 private:
  template <class Value>
  static bool set(Value& value, const Value& wanted) {
    value = wanted;
    return true;
  }
};

/// A command of this verb, with all the arguments that it has.
beanstalk_command command_with(beanstalk_verb verb, const argument_setter& arguments) {
  beanstalk_command command{.verb = verb};
  visit_arguments(row_of(verb).arguments, command, arguments);
  if (row_of(verb).arguments == wire::argument_shape::put) {
    command.content = body{"body of " + std::string{arguments.name}};
    command.count = command.content.size();
  }
  return command;
}

}  // namespace

TEST_CASE("what is written is what was meant, for every verb and however it is cut") {
  const std::string long_name(queue_name_bytes_max, 'n');
  std::string pipeline;
  testing::transcript expected;
  for (std::size_t verb = 0; verb < wire::beanstalk_verb_count; ++verb) {
    for (const auto number : {0u, 1u, 4'294'967'295u}) {
      for (const auto& name : {std::string{"t"}, long_name}) {
        const auto job = number == 4'294'967'295u ? std::numeric_limits<std::uint64_t>::max() : number;
        const auto command = command_with(static_cast<beanstalk_verb>(verb), {job, number, name});
        const auto bytes = wire_of(command);
        testing::check_commands(bytes, {testing::text_of(command)});
        pipeline += bytes;
        expected.push_back(testing::text_of(command));
      }
    }
  }
  CHECK(testing::commands_in(pipeline) == expected);
}

TEST_CASE("commands are written in the format of the protocol") {
  CHECK(wire_of({.verb = beanstalk_verb::put, .priority = 1, .delay = 2, .ttr = 3, .content = body{"ab\r\n"}}) ==
        "put 1 2 3 4\r\nab\r\n\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::put}) == "put 0 0 0 0\r\n\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::release, .job = 5, .priority = 6, .delay = 7}) == "release 5 6 7\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::pause_tube, .delay = 7, .tube = "t"}) == "pause-tube t 7\r\n");
  CHECK(wire_of({.verb = beanstalk_verb::reserve_with_timeout, .count = 7}) == "reserve-with-timeout 7\r\n");
  CHECK(wire_of({}) == "quit\r\n");
}

TEST_CASE("a command is appended to the text before it") {
  std::string text = "stats\r\n";
  wire::append(text, {.verb = beanstalk_verb::quit});
  CHECK(text == "stats\r\nquit\r\n");
}

TEST_CASE("every verb of the protocol has its own name") {
  std::vector<std::string_view> names;
  for (std::size_t verb = 0; verb < wire::beanstalk_verb_count; ++verb)
    names.push_back(wire::name_of(static_cast<beanstalk_verb>(verb)));
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(wire::name_of(beanstalk_verb::delete_job) == "delete");
  CHECK(wire::name_of(beanstalk_verb::quit) == "quit");
  CHECK(wire::name_of(beanstalk_verb::list_tubes_watched) == "list-tubes-watched");
}
