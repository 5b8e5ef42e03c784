#include "store/dump.hpp"

#include <algorithm>
#include <iomanip>
#include <memory>
#include <random>
#include <sstream>
#include <string>

#include "base/digest.hpp"
#include "store/bulk_load.hpp"
#include "store/desk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::scratch_directory;

namespace {

std::string dumped(const std::string& data_dir) {
  std::string all;
  const auto from = store::data_directory::open(data_dir);
  REQUIRE(from.has_value());
  const auto done = store::dump(*from, [&](std::string_view line) -> result<> {
    all.append(line) += '\n';
    return {};
  });
  REQUIRE(done.has_value());
  return all;
}

/// The number of jobs, or why not.
std::string restored(const std::string& data_dir, const std::string& lines,
                     store::completeness wanted = store::completeness::required) {
  std::istringstream in{lines};
  const auto into = store::data_directory::open(data_dir);
  REQUIRE(into.has_value());
  const auto done = store::restore(*into, in, wanted);
  if (!done) return done.error().text;
  return std::to_string(done->jobs) + (done->remark.empty() ? "" : ": " + done->remark);
}

/// With the line at the end that a dump has.
std::string sealed(const std::string& lines) {
  digest bytes;
  bytes.add(lines);
  std::ostringstream seal;
  seal << R"({"lines":)" << std::count(lines.begin(), lines.end(), '\n') << R"(,"xxh3":")" << std::hex << std::setw(16)
       << std::setfill('0') << bytes.value() << "\"}\n";
  return lines + seal.str();
}

void fill_at_random(const std::string& data_dir, std::uint64_t jobs) {
  std::mt19937_64 random{4711};
  const auto below = [&random](std::uint64_t limit) { return random() % limit; };
  const auto in = store::data_directory::open(data_dir);
  REQUIRE(in.has_value());
  auto bulk_load = store::bulk_load::begin(*in);
  REQUIRE(bulk_load.has_value());
  for (std::uint64_t at = 0; at < jobs; ++at) {
    engine::kept_job job;
    job.job = job_id{jobs + 1 - at};
    job.state = std::array{engine::job_state::ready, engine::job_state::delayed, engine::job_state::buried}[below(3)];
    std::string bytes(below(60), '\0');
    const auto letters = below(2) == 0 ? 128u : 256u;
    for (char& byte : bytes) byte = static_cast<char>(below(letters));
    job.request = {.content = body{bytes},
                   .priority = static_cast<std::uint32_t>(random()),
                   .delay = duration{below(1'000'000'000'000)},
                   .ttr = duration{below(1'000'000'000'000)}};
    job.put_at = instant{duration{1'700'000'000'000'000'000 + static_cast<std::int64_t>(below(1'000'000'000))}};
    if (job.state == engine::job_state::delayed) job.due = job.put_at + job.request.delay;
    job.tally.reserves = static_cast<std::uint32_t>(random());
    job.tally.kicks = static_cast<std::uint32_t>(below(3));
    job.tally.failures = static_cast<std::uint32_t>(below(3));
    job.tally.interruptions = static_cast<std::uint32_t>(below(3));
    job.tally.laters = static_cast<std::uint32_t>(below(3));
    job.handed_out = below(5) == 0;
    if (below(3) == 0) {
      const auto time = [&] { return below(2) == 0 ? never : job.put_at + duration{below(1'000'000)}; };
      engine::job_details details{.origin = below(2) == 0 ? "\xff q" : "",
                                  .first_failure = time(),
                                  .last_failure = time(),
                                  .expires_at = time(),
                                  .group = engine::group_id{below(4)},
                                  .group_place = static_cast<std::uint32_t>(below(4))};
      if (below(2) == 0) details.cause = static_cast<engine::reason>(below(engine::reason_count));
      if (details != engine::job_details{}) job.details = std::make_shared<const engine::job_details>(details);
    }
    if (below(4) == 0) job.error_text = "went \"wrong\"\n\xff";
    const auto added = bulk_load->add(std::move(job), "q" + std::to_string(below(5)));
    REQUIRE(added.has_value());
  }
  REQUIRE(bulk_load->pause("q1", never, seconds{7}).has_value());
  REQUIRE(bulk_load->pause("quiet", instant{duration{1'800'000'000'000'000'000}}, seconds{9}).has_value());
  REQUIRE(bulk_load->mark_ids(jobs + 5'000).has_value());
  REQUIRE(bulk_load->add_position({{"words", "lines"}, {90, 0x8000'0000'0000'0001, 7}}).has_value());
  REQUIRE(bulk_load->add_position({{"zero", "list"}, {}}).has_value());
  REQUIRE(bulk_load->finish().has_value());
}

constexpr const char* one_job =
    R"({"id":7,"queue":"q1","state":"ready","priority":1,"put_at_ns":5,"ttr_ns":1000000000,"delay_ns":0,"reserves":6,)"
    R"("timeouts":0,"releases":0,"buries":0,"kicks":0,"error":"","body":"x"})";

}  // namespace

TEST_CASE("what is dumped and restored is dumped alike") {
  scratch_directory one;
  scratch_directory other;
  fill_at_random(one.data_dir(), 10'000);
  const auto lines = dumped(one.data_dir());
  CHECK(restored(other.data_dir(), lines) == "10000");
  CHECK((dumped(other.data_dir()) == lines));  // in brackets: a megabyte need not be shown
}

TEST_CASE("groups and actions are dumped and restored") {
  scratch_directory one;
  scratch_directory other;
  {
    testing::store_desk desk{{.data_dir = one.data_dir()}};
    for (const std::uint64_t id : {1, 2, 3}) {
      const engine::group_id group{id};
      desk.append(engine::group_changed{group,
                                        {.name = id == 2 ? "\xff" : "batch",
                                         .outcome_queue = id == 2 ? "" : "summaries",
                                         .state = engine::group_state::closed,
                                         .ends_with = engine::group_end::first_failure,
                                         .remaining = engine::remaining_members::cancel,
                                         .opened_at = instant{seconds{5}},
                                         .members = 4,
                                         .ended = 2,
                                         .succeeded = 1,
                                         .outcome_put = id == 3,
                                         .outer = engine::group_id{id - 1},
                                         .outer_place = 6}});
      desk.append(engine::group_member_ended{group, 0, {.job = job_id{7}, .text = "\xff", .is_cut = true}});
      desk.append(engine::group_member_ended{group, 3, {.job = job_id{8}, .result = engine::outcome::expired}});
    }
    desk.append(engine::group_gone{engine::group_id{3}});
    desk.append(engine::action_kept{9, R"({"kind": "redrive"})"});
  }
  const auto lines = dumped(one.data_dir());
  CHECK(restored(other.data_dir(), lines) == "0");
  CHECK(dumped(other.data_dir()) == lines);
  testing::store_desk desk{{.data_dir = other.data_dir()}};
  const auto found = desk.recover();
  REQUIRE(found.groups.size() == 2);
  CHECK(found.groups[1].facts.ends_with == engine::group_end::first_failure);
  CHECK(found.groups[1].ended.size() == 2);
  CHECK(found.last_group == engine::group_id{3});
  CHECK(found.actions.at(9) == R"({"kind": "redrive"})");
}

TEST_CASE("groups and actions that mean nothing are named") {
  scratch_directory scratch;
  const auto why = [&](const std::string& lines) { return restored(scratch.data_dir(), sealed(lines)); };
  const std::string group =
      R"({"group":1,"name":"b","state":"open","ends_with":"all","remaining":"keep","opened_at_ns":1,"members":2,)"
      R"("ended":1})"
      "\n";
  const std::string member = R"({"member_of":1,"place":0,"job":5,"outcome":"ok"})"
                             "\n";
  const std::string action = "{\"action\":1,\"description\":\"{}\"}\n";
  CHECK(why(group + group) ==
        "line 2: row 1 of table job_group: it says that 1 members have ended, there are 0");  // of the first
  CHECK(why(group + member + group) == "line 3: group 1 comes a second time");
  CHECK(why(group + member + member) == "line 3: its place does not rise");
  CHECK(why(member) == "line 1: its group does not precede it");
  CHECK(why(action + action) == "line 2: action 1 comes a second time");
  CHECK(why("{\"group\":1}\n") == "line 1: its 'name' is missing or means nothing");
  CHECK(why(R"({"member_of":1,"place":0,"job":5,"outcome":"well"})"
            "\n") == "line 1: its 'outcome' is missing or means nothing");
  CHECK(restored(scratch.data_dir(), group, store::completeness::optional) ==
        "0: the dump ends after line 1, without the line that counts and hashes the others");
  testing::store_desk desk{{.data_dir = scratch.data_dir()}};
  CHECK(desk.recover().groups.at(0).facts.ended == 0);
}

TEST_CASE("a store gives back what was restored") {
  scratch_directory scratch;
  CHECK(restored(scratch.data_dir(), sealed(std::string{"{\"ids_up_to\":90}\n"} + one_job + "\n")) == "1");
  testing::store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto found = desk.recover();
  REQUIRE(found.jobs.size() == 1);
  CHECK(found.jobs[0].job == job_id{7});
  CHECK(found.jobs[0].request.content.view() == "x");
  CHECK(found.jobs[0].tally.reserves == 6);  // by its name in older versions
  CHECK(found.jobs[0].tally.failures == 0);  // which do not say
  CHECK(found.id_mark == 90);
}

TEST_CASE("positions are restored, and take the place of those that the directory has") {
  scratch_directory scratch;
  const auto position = [](int place) {
    return R"({"producer":"words","kind":"lines","place":)" + std::to_string(place) + R"(,"checksum":-3,"bodies":5})" +
           "\n";
  };
  CHECK(restored(scratch.data_dir(), sealed(position(70))) == "0");
  CHECK(restored(scratch.data_dir(), sealed(position(80))) == "0");
  CHECK(restored(scratch.data_dir(), sealed(position(70) + position(80))) ==
        "line 2: producer words comes a second time");
  CHECK(restored(scratch.data_dir(), sealed(position(-1))) == "line 1: its 'place' is missing or means nothing");
  testing::store_desk desk{{.data_dir = scratch.data_dir()}};
  desk.recover();
  const auto kept = desk.store->position_of("words");
  REQUIRE(kept.has_value());
  CHECK(kept->source.kind == "lines");
  CHECK(kept->at == engine::source_place{80, static_cast<std::uint64_t>(-3), 5});
}

TEST_CASE("a directory that has jobs is not restored into") {
  scratch_directory scratch;
  const auto lines = sealed(std::string{one_job} + "\n");
  CHECK(restored(scratch.data_dir(), lines) == "1");
  CHECK(restored(scratch.data_dir(), lines) == scratch.data_dir() + ": there are jobs in it");
}

TEST_CASE("a line that means nothing is named, and nothing of the others is kept") {
  scratch_directory scratch;
  const std::string good = std::string{one_job} + "\n";
  CHECK(restored(scratch.data_dir(), good + "no json\n") == "line 2: it is no JSON object");
  CHECK(restored(scratch.data_dir(), good + "{\"id\":8}\n") == "line 2: its 'queue' is missing or means nothing");
  CHECK(restored(scratch.data_dir(), good + good) == "line 2: job 7 comes a second time");
  CHECK(restored(scratch.data_dir(), sealed(good) + good) == "line 3: it comes after the end of the dump");
  CHECK(restored(scratch.data_dir(), good + "{\"lines\":1}\n") == "line 2: its 'xxh3' is missing or means nothing");
  CHECK(restored(scratch.data_dir(), sealed(good)) == "1");
}

TEST_CASE("a dump that was cut anywhere is not restored, and the last line that was read is named") {
  scratch_directory full;
  scratch_directory scratch;
  fill_at_random(full.data_dir(), 20);
  const auto lines = dumped(full.data_dir());
  const std::string advice = "; --partial restores what is there";
  std::size_t whole_lines = 0;
  for (std::size_t bytes = 0; bytes + 1 < lines.size(); ++bytes) {
    const bool is_line_end = bytes > 0 && lines[bytes - 1] == '\n';
    if (!is_line_end && bytes % 37 != 0) continue;
    const auto why = restored(scratch.data_dir(), lines.substr(0, bytes));
    INFO(bytes << " bytes: " << why);
    CHECK(why.ends_with(advice));
    if (is_line_end) CHECK(why.find("the dump ends after line " + std::to_string(++whole_lines)) == 0);
  }
  CHECK(whole_lines == 25);  // the mark, two pauses, two positions, twenty jobs
  CHECK(restored(scratch.data_dir(), lines) == "20");
}

TEST_CASE("a dump with changed or missing lines is not restored") {
  scratch_directory full;
  scratch_directory scratch;
  fill_at_random(full.data_dir(), 20);
  const auto lines = dumped(full.data_dir());
  auto changed = lines;
  changed[lines.find("\"put_at_ns\":") + 13] ^= 1;  // its second digit
  CHECK(restored(scratch.data_dir(), changed) ==
        "the lines of the dump were changed: their hash differs; --partial restores what is there");
  const auto without_first = lines.substr(lines.find('\n') + 1);
  CHECK(restored(scratch.data_dir(), without_first) ==
        "the dump had 25 lines before its last one, here are 24; --partial restores what is there");
}

TEST_CASE("a dump without its end is restored when that is asked for, and an unfinished line is left out") {
  const std::string first = std::string{one_job} + "\n";
  const auto optional = store::completeness::optional;
  const std::string second = R"({"id":8,"queue")";
  {
    scratch_directory scratch;
    CHECK(restored(scratch.data_dir(), first, optional) ==
          "1: the dump ends after line 1 (job 7), without the line that counts and hashes the others");
  }
  {
    scratch_directory scratch;
    CHECK(restored(scratch.data_dir(), first + second, optional) ==
          "1: the dump is cut within line 2; the last whole one is line 1 (job 7)");
  }
  {
    scratch_directory scratch;
    CHECK(restored(scratch.data_dir(), first + second + "\n", optional) == "line 2: it is no JSON object");
    CHECK(restored(scratch.data_dir(), first + "{\"lines\":2,\"xxh3\":\"00\"}\n", optional) ==
          "1: the dump had 2 lines before its last one, here are 1");
  }
}

TEST_CASE("a line with an id above the highest is named; the highest itself is restored") {
  scratch_directory scratch;
  const auto with_id = [](const std::string& id) {
    std::string line{one_job};
    return line.replace(line.find('7'), 1, id) + "\n";
  };
  const auto highest = std::to_string(job_id_max.value());
  for (const std::string id :
       {"1152921504606846976", "9223372036854775807", "9223372036854775808", "18446744073709551615"}) {
    CHECK(restored(scratch.data_dir(), with_id("1") + with_id(id)) ==
          "line 2: id " + id + " is out of range: the highest is " + highest);
    CHECK(restored(scratch.data_dir(), with_id("1") + "{\"ids_up_to\":" + id + "}\n") ==
          "line 2: id " + id + " is out of range: the highest is " + highest);
  }
  CHECK(restored(scratch.data_dir(), with_id("0")) == "line 1: id 0 is out of range: the highest is " + highest);
  CHECK(restored(scratch.data_dir(), with_id("-1")) == "line 1: its 'id' is missing or means nothing");
  CHECK(restored(scratch.data_dir(), sealed(with_id(highest) + "{\"ids_up_to\":" + highest + "}\n")) == "1");
  testing::store_desk desk{{.data_dir = scratch.data_dir()}};
  const auto found = desk.recover();
  REQUIRE(found.jobs.size() == 1);
  CHECK(found.jobs[0].job == job_id_max);
  CHECK(found.id_mark == job_id_max.value());
}
