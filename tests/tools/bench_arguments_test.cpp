#include "tools/bench_arguments.hpp"

#include "support/catch.hpp"

using namespace millrace;
using tools::bench_options;
using tools::bench_phase;
using tools::early_exit;
using tools::exit_code;

namespace {

using words = std::vector<std::string>;

bench_options understood(const words& given) {
  const auto read = tools::read_bench_arguments(given);
  if (const auto* bye = std::get_if<early_exit>(&read)) FAIL(bye->text);
  return std::get<bench_options>(read);
}

/// The error of the arguments, without the line about --help.
std::string complaint_of(const words& given) {
  const auto read = tools::read_bench_arguments(given);
  const auto* bye = std::get_if<early_exit>(&read);
  if (bye == nullptr) return "nothing";
  CHECK(bye->code == exit_code::bad_arguments);
  CHECK(bye->text.ends_with("\nmillrace bench --help shows what can be given.\n"));
  return bye->text.substr(0, bye->text.find('\n'));
}

}  // namespace

TEST_CASE("without words a mix is put on the usual port") {
  const auto options = understood({});
  CHECK(network::write_address(options.server) == "127.0.0.1:11300");
  CHECK(options.phase == bench_phase::mix);
  CHECK(options.length == seconds{3});
  CHECK(options.warm_up == milliseconds{300});
  CHECK(options.repeat == 1);
}

TEST_CASE("quantities are written as people write them") {
  const auto options = understood({"unix:/run/b.sock", "--connections", "64", "--depth=32", "--body", "4KiB", "--jobs",
                                   "100k", "--queues", "8", "--idle-connections", "4k", "--extra-queues", "100k",
                                   "--backlog", "10M", "--quiet", "--json"});
  CHECK(options.server.unix_path == "/run/b.sock");
  CHECK(options.connections == 64);
  CHECK(options.depth == 32);
  CHECK(options.body_bytes == 4'096);
  CHECK(options.jobs == 100'000);
  CHECK(options.warm_up == duration::zero());
  CHECK(options.extra_queues == 100'000);
  CHECK(options.idle_connections == 4'000);
  CHECK(options.backlog == 10'000'000);
  CHECK(options.json);
  CHECK(options.quiet);
  CHECK(understood({"--rate", "20k/s"}).rate == 20'000);
}

TEST_CASE("against another server runs are short, and five pairs") {
  const auto options = understood({"--against", "127.0.0.1:11301"});
  CHECK(options.against->port == 11'301);
  CHECK(options.length == seconds{1});
  CHECK(options.repeat == 5);
  CHECK(understood({"--against", "127.0.0.1:11301", "--repeat", "2", "--for", "5s"}).repeat == 2);
}

TEST_CASE("a drain takes out a number of jobs") {
  CHECK(understood({"--phase", "drain"}).jobs == 500'000);
  CHECK(understood({"--phase", "drain", "--jobs", "10"}).jobs == 10);
}

TEST_CASE("what is wrong with one word is said with its name and what was expected") {
  CHECK(complaint_of({"somewhere"}) == "millrace bench: server: `somewhere` names no port");
  CHECK(complaint_of({"127.0.0.1:0"}) == "millrace bench: server: port 0 is nobody's");
  CHECK(complaint_of({"--depth", "0"}) == "millrace bench: --depth: 0 is too small (at least 1)");
  CHECK(complaint_of({"--depth", "1001"}) == "millrace bench: --depth: 1001 is too large (at most 1k)");
  CHECK(complaint_of({"--body", "15"}) == "millrace bench: --body: 15 is too small (at least 16)");
  CHECK(complaint_of({"--phase", "mixed"}) ==
        "millrace bench: --phase: unknown word 'mixed' (expected one of drain, mix, put)");
  CHECK(complaint_of({"--for", "soon"}).starts_with("millrace bench: --for: "));
  CHECK(complaint_of({"--for", "0"}) == "millrace bench: --for: 0 is too small");
  CHECK(complaint_of({"--rate", "-1"}).starts_with("millrace bench: --rate: "));
  CHECK(complaint_of({"--queue", "-x"}).starts_with("millrace bench: --queue: '-x' is no name of a queue"));
  CHECK(complaint_of({"--plot", "picture.png"}) == "millrace bench: --plot: the picture is an SVG: FILE.svg");
  CHECK(complaint_of({"--connection", "3"}) ==
        "millrace bench: unknown option --connection, did you mean --connections?");
  CHECK(complaint_of({"127.0.0.1:1", "127.0.0.1:2"}) ==
        "millrace bench: '127.0.0.1:2' is not understood (a second server is given with --against)");
}

TEST_CASE("what does not go together is refused") {
  for (const words& pair :
       {words{"--jobs", "10", "--for", "1s"}, words{"--phase", "drain", "--for", "1s"},
        words{"--rate", "10", "--phase", "put"}, words{"--rate", "10", "--depth", "2"},
        words{"--rate", "10", "--connections", "1"}, words{"--rate", "10", "--backlog", "5"},
        words{"--phase", "put", "--backlog", "5"}, words{"--queues", "17"}, words{"--queue", "a", "--queues", "2"},
        words{"--connections", "10k", "--depth", "1k", "--body", "1MiB"}, words{"--rate", "10M", "--for", "1h"}}) {
    INFO(pair.at(0) << ' ' << pair.at(1));
    CHECK(complaint_of(pair) != "nothing");
  }
}

TEST_CASE("help tells of every option, the units and the exit codes") {
  const auto read = tools::read_bench_arguments({"--help"});
  const auto* bye = std::get_if<early_exit>(&read);
  REQUIRE(bye != nullptr);
  CHECK(bye->code == exit_code::done);
  for (const char* const word : {"--connections",
                                 "--depth",
                                 "--body",
                                 "--jobs",
                                 "--for",
                                 "--phase",
                                 "--rate",
                                 "--warm-up",
                                 "--queues",
                                 "--queue",
                                 "--idle-connections",
                                 "--extra-queues",
                                 "--backlog",
                                 "--repeat",
                                 "--against",
                                 "--json",
                                 "--plot",
                                 "--quiet",
                                 "Exit codes",
                                 "jobs_per_second"})
    CHECK(bye->text.find(word) != std::string::npos);
}
