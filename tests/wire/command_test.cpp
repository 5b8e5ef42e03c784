#include "wire/beanstalk_command.hpp"

#include <string>

#include "cuts.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace std::string_literals;
using testing::check_commands;
using testing::transcript;

TEST_CASE("every command is read, whole and however it is cut") {
  const std::vector<std::pair<std::string, std::string>> all{
      {"put 1 2 60 3\r\nabc", "put pri=1 delay=2 ttr=60 count=3 content=abc"},
      {"use email", "use tube=email"},
      {"reserve", "reserve"},
      {"reserve-with-timeout 5", "reserve-with-timeout count=5"},
      {"reserve-job 9", "reserve-job job=9"},
      {"delete 9", "delete job=9"},
      {"release 9 8 7", "release job=9 pri=8 delay=7"},
      {"bury 9 8", "bury job=9 pri=8"},
      {"touch 9", "touch job=9"},
      {"watch email", "watch tube=email"},
      {"ignore email", "ignore tube=email"},
      {"peek 9", "peek job=9"},
      {"peek-ready", "peek-ready"},
      {"peek-delayed", "peek-delayed"},
      {"peek-buried", "peek-buried"},
      {"kick 10", "kick count=10"},
      {"kick-job 9", "kick-job job=9"},
      {"stats", "stats"},
      {"stats-job 9", "stats-job job=9"},
      {"stats-tube email", "stats-tube tube=email"},
      {"list-tubes", "list-tubes"},
      {"list-tube-used", "list-tube-used"},
      {"list-tubes-watched", "list-tubes-watched"},
      {"pause-tube email 6", "pause-tube tube=email delay=6"},
      {"quit", "quit"}};
  CHECK(all.size() == wire::beanstalk_verb_count);
  std::string pipeline;
  transcript results;
  for (const auto& [line, expected] : all) {
    check_commands(line + "\r\n", {expected});
    pipeline += line + "\r\n";
    results.push_back(expected);
  }
  check_commands(pipeline, results);
}

TEST_CASE("a word alone is unknown if its space is part of it, and has a bad format if not") {
  for (const char* word :
       {"put", "use", "delete", "release", "bury", "touch", "watch", "ignore", "peek", "kick", "kick-job"}) {
    check_commands(word + "\r\n"s, {"unknown_command"});
    check_commands(word + " \r\n"s, {"bad_format"});
  }
  for (const char* word : {"reserve-with-timeout", "reserve-job", "stats-job", "stats-tube", "pause-tube"}) {
    check_commands(word + "\r\n"s, {"bad_format"});
    check_commands(word + " \r\n"s, {"bad_format"});
  }
}

TEST_CASE("words stand at the very start, are known by every letter and take nothing that is not theirs") {
  for (const char* line : {"",
                           " ",
                           " reserve",
                           "\treserve",
                           "Reserve",
                           "RESERVE",
                           "reserv",
                           "reservex",
                           "statsx",
                           "peek-readyx",
                           "list-tubesx",
                           "quitx",
                           "pause-tubedefault 0",
                           "xut 0 0 1 0",
                           "pxt 0 0 1 0",
                           "puu 0 0 1 0",
                           "p",
                           "pu",
                           "put\t0 0 1 0",
                           "reserve-mode a",
                           "reserve-with-timeoutx 0",
                           "list-tubes-watchedx",
                           "reserve\r",
                           "reserve\n",
                           "\r",
                           "\n",
                           "deletf 1",
                           "a-word-of-more-than-twenty-letters"})
    check_commands(line + "\r\n"s, {"unknown_command"});
  for (const char* line :
       {"reserve ", "reserve 1", "quit ", "quit now", "stats ", "stats x", "peek-ready ", "peek-delayed 1",
        "peek-buried 1", "list-tubes ", "list-tube-used x", "list-tubes-watched x"})
    check_commands(line + "\r\n"s, {"bad_format"});
}

TEST_CASE("a NUL anywhere in a line is a bad format") {
  for (const std::string& line :
       {"\0"s, "reserve\0"s, "\0reserve"s, "res\0rve"s, "unknown\0"s, "unknown \0 x"s, "use a\0"s, "use a\0b"s,
        "delete 1\0"s, "delete \0"s, "put 0 0 60 1\0"s, "pause-tube a\0 1"s, "put\0"s})
    check_commands(line + "\r\nquit\r\n", {"bad_format", "quit"});
}

TEST_CASE("a tube stands one space behind its word, and nothing behind it") {
  for (const std::string word : {"use", "watch", "ignore", "stats-tube"}) {
    check_commands(word + " " + std::string(200, 'n') + "\r\n", {word + " tube=" + std::string(200, 'n')});
    for (const std::string& name :
         {" a"s, "a "s, "a b"s, "-a"s, "a\t"s, "\xC3\xA4"s, "a,b"s, "a\rb"s, "a\nb"s, "a\r"s, std::string(201, 'n')})
      check_commands(word + " " + name + "\r\n", {"bad_format"});
  }
}

TEST_CASE("pause-tube tolerates spaces before its tube, and none behind its delay") {
  check_commands("pause-tube   a   1\r\n", {"pause-tube tube=a delay=1"});
  for (const char* rest : {" a", " a ", " a 1 ", " a 1 2", " -a 1", " a b", " a -1", " 1", "  1", " a\t1"})
    check_commands("pause-tube"s + rest + "\r\n", {"bad_format"});
  const std::string longest = "pause-tube " + std::string(200, 'n') + " 4294967295\r\n";
  CHECK(longest.size() == wire::command_line_bytes_max);
  check_commands(longest, {"pause-tube tube=" + std::string(200, 'n') + " delay=4294967295"});
  check_commands("pause-tube " + std::string(201, 'n') + " 1\r\n", {"bad_format"});
}

TEST_CASE("a tube lies in the bytes that were given, and only a line that came in pieces is copied") {
  wire::beanstalk_command_reader reader{10};
  const std::string given = "use email\r\nuse other\r\n";
  std::string_view bytes = given;
  wire::beanstalk_command command;
  REQUIRE(reader.next(bytes, command) == wire::beanstalk_command_reader::found::command);
  CHECK(command.tube.data() == given.data() + 4);
  CHECK(bytes == "use other\r\n");
}

TEST_CASE("a reader is at rest between two commands only") {
  const std::string all = "put 0 0 1 2\r\nab\r\nquit\r\nput 0 0 1 9\r\n123456789\r\n" + std::string(230, 'x') +
                          "\r\nx\r\nput 0 0 1 1\r\nabc";
  testing::command_reading commands{5};
  std::size_t ended = 0;
  for (const char& each : all) {
    commands.feed({&each, 1});
    CHECK(commands.reader().at_rest() == (commands.results().size() > ended));
    ended = commands.results().size();
  }
  CHECK(ended == 6);
}
