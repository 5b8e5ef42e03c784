#include <string>
#include <string_view>

#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"

using namespace millrace;
using namespace std::string_literals;
using testing::commands_in;
using testing::transcript;

namespace {

struct place {
  const char* before;
  const char* behind;
  std::string_view word;  ///< of the transcript
  const char* name;
  std::uint64_t max;
};

// Where a number may stand. The other numbers are zero, so that the transcript has only this one.
const place places[] = {
    {"put ", " 0 0 0\r\n\r\n", "put", " pri=", 4'294'967'295},
    {"put 0 ", " 0 0\r\n\r\n", "put", " delay=", 4'294'967'295},
    {"put 0 0 ", " 0\r\n\r\n", "put", " ttr=", 4'294'967'295},
    {"reserve-with-timeout ", "\r\n", "reserve-with-timeout", " count=", 2'147'483'647},
    {"reserve-job ", "\r\n", "reserve-job", " job=", 18'446'744'073'709'551'615u},
    {"delete ", "\r\n", "delete", " job=", 18'446'744'073'709'551'615u},
    {"release ", " 0 0\r\n", "release", " job=", 18'446'744'073'709'551'615u},
    {"release 0 ", " 0\r\n", "release", " pri=", 4'294'967'295},
    {"release 0 0 ", "\r\n", "release", " delay=", 4'294'967'295},
    {"bury ", " 0\r\n", "bury", " job=", 18'446'744'073'709'551'615u},
    {"bury 0 ", "\r\n", "bury", " pri=", 4'294'967'295},
    {"touch ", "\r\n", "touch", " job=", 18'446'744'073'709'551'615u},
    {"peek ", "\r\n", "peek", " job=", 18'446'744'073'709'551'615u},
    {"kick ", "\r\n", "kick", " count=", 4'294'967'295},
    {"kick-job ", "\r\n", "kick-job", " job=", 18'446'744'073'709'551'615u},
    {"stats-job ", "\r\n", "stats-job", " job=", 18'446'744'073'709'551'615u},
    {"pause-tube t ", "\r\n", "pause-tube tube=t", " delay=", 4'294'967'295},
};

/// The line of the transcript.
std::string text_of(const place& place, std::uint64_t value) {
  return std::string{place.word} + (value == 0 ? "" : place.name + std::to_string(value));
}

std::string next_number(std::uint64_t max) {
  std::string digits = std::to_string(max);
  ++digits.back();  // none of the limits ends in 9
  return digits;
}

/// The rest of a put that was refused is read as a line of its own; here it is empty.
transcript refusal_of(const place& place) {
  return place.word == "put" ? transcript{"bad_format", "unknown_command"} : transcript{"bad_format"};
}

}  // namespace

TEST_CASE("every number is read from 0 to its limit, with leading zeros and several spaces before it") {
  for (const place& place : places) {
    CAPTURE(place.before, place.behind);
    for (const std::uint64_t value :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{10}, place.max - 1, place.max}) {
      const std::string digits = std::to_string(value);
      CHECK(commands_in(place.before + digits + place.behind) == transcript{text_of(place, value)});
      CHECK(commands_in(place.before + "00"s + digits + place.behind) == transcript{text_of(place, value)});
      CHECK(commands_in(place.before + "   "s + digits + place.behind) == transcript{text_of(place, value)});
    }
    testing::check_commands(place.before + std::string(100, '0') + "7" + place.behind, {text_of(place, 7)});
  }
}

TEST_CASE("a number beyond its limit, or that is none, has a bad format") {
  for (const place& place : places) {
    CAPTURE(place.before, place.behind);
    const std::string digits = std::to_string(place.max);
    for (const std::string& wrong : {next_number(place.max),
                                     digits + "0",
                                     "1" + digits,
                                     "18446744073709551616"s,
                                     "18446744073709551617"s,
                                     "36893488147419103232"s,
                                     std::string(100, '9'),
                                     "-1"s,
                                     "-0"s,
                                     "+5"s,
                                     "0x1"s,
                                     "1x"s,
                                     "x1"s,
                                     "1,000"s,
                                     "1.0"s,
                                     "1e3"s,
                                     "1\t"s,
                                     "\t1"s,
                                     "1\r"s,
                                     "1\n"s,
                                     "\r1"s,
                                     "1 1"s,
                                     "abc"s,
                                     ""s,
                                     "1\xB2"s,
                                     "\xB2"s,
                                     "/"s,
                                     ":"s}) {
      CAPTURE(wrong);
      CHECK(commands_in(place.before + wrong + place.behind) == refusal_of(place));
    }
  }
}

TEST_CASE("nothing stands behind the last number") {
  for (const place& place : places) {
    std::string line = place.before + "1"s + place.behind;
    line.insert(line.find('\r'), " ");
    CHECK(commands_in(line) == refusal_of(place));
    line.insert(line.find('\r'), "0");
    CHECK(commands_in(line) == refusal_of(place));
  }
}

TEST_CASE("a command with a missing, an additional or an unseparated number is refused") {
  for (const char* line : {"put 1 2 3", "put 1 2 3 4 5", "put 1", "put 1 2", "put0 0 0 0 0", "release 1", "release 1 2",
                           "release 1 2 3 4", "bury 1", "bury 1 2 3", "touch 1 2"}) {
    CAPTURE(line);
    const auto expected = std::string_view{line} == "put0 0 0 0 0" ? "unknown_command" : "bad_format";
    testing::check_commands(line + "\r\n"s, {expected});
  }
}
