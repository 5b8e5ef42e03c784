#include "loop/trace_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/catch.hpp"
#include "support/taken_log.hpp"

namespace millrace::loop {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// A file of a trace that is read back as strict JSON.
struct traced {
  traced() : folder{fs::temp_directory_path() / ("millrace-trace-" + std::to_string(::getpid()))} {
    fs::create_directories(folder);
  }
  ~traced() { fs::remove_all(folder); }

  [[nodiscard]] std::string path() const { return folder / "trace.json"; }
  [[nodiscard]] std::shared_ptr<trace_file> open(std::uint64_t bytes_max = 1u << 20) const {
    auto made = trace_file::open(path(), bytes_max, true).value();
    made->begin_at(instant{seconds{100}});
    return made;
  }
  [[nodiscard]] std::string text() const {
    std::ifstream file{path()};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  /// The events without those that name the groups.
  [[nodiscard]] json::array events() const {
    json::array all;
    const auto parsed = json::parse(text());
    for (const auto& event : parsed.as_array())
      if (event.at("name") != "process_name" && event.at("name") != "process_sort_index") all.push_back(event);
    return all;
  }

  fs::path folder;
};

/// A chunk that grows by one event after another.
struct chunk : trace_chunk {
  chunk& work(duration begun, std::string_view label) {
    auto& event = events.emplace_back();
    event.type = trace_event::kind::work;
    event.group = trace_group::tasks;
    event.lane = 7;
    event.at = instant{seconds{100} + begun};
    event.length = microseconds{1500};
    event.job = job_id{42};
    event.queue = "mail";
    auto& more = works.emplace_back();
    more.attempt = 2;
    more.outcome = "failed";
    more.then = "retried";
    more.label_is_cut = label.size() > trace_label_bytes_max;
    more.label_size = static_cast<std::uint8_t>(std::min(label.size(), trace_label_bytes_max));
    std::copy_n(label.data(), more.label_size, more.label.data());
    return *this;
  }
  chunk& state(duration when, job_id job, std::string_view state) {
    auto& event = events.emplace_back();
    event.type = trace_event::kind::state;
    event.at = instant{seconds{100} + when};
    event.job = job;
    event.queue = "mail";
    event.name = state;
    return *this;
  }
};

}  // namespace

TEST_CASE("work on a job is a complete event with the job, its queue and its end", "[trace]") {
  const traced fixture;
  fixture.open()->append(chunk().work(nanoseconds{2'000'345}, "an order"));
  CHECK(fixture.events() == json::parse(R"([{"ph": "X", "pid": 1, "tid": 7, "ts": 2000.345, "dur": 1500.0,
      "name": "an order", "cat": "job", "args": {"job": 42, "queue": "mail", "attempt": 2, "outcome": "failed",
      "then": "retried"}}])"));
}

TEST_CASE("a job whose text cannot be read is shown by its number, and a long text is cut", "[trace]") {
  const traced fixture;
  const std::string umlauts = "äöüäöüäöüäöüäöüäöü";
  fixture.open()->append(
      chunk().work({}, "").work({}, "two\nlines").work({}, "\"<&'\\").work({}, umlauts).work({}, "x" + umlauts));
  const auto events = fixture.events();
  CHECK(events[0].at("name") == "job 42");
  CHECK(events[1].at("name") == "job 42");
  CHECK(events[2].at("name") == "\"<&'\\");
  CHECK(events[3].at("name") == json::value(umlauts.substr(0, 30) + "…"));
  CHECK(events[4].at("name") == json::value(("x" + umlauts).substr(0, 31) + "…"));
}

TEST_CASE("each state of a job ends when the next one begins", "[trace]") {
  const traced fixture;
  fixture.open()->append(chunk()
                             .state({}, job_id{1}, "ready")
                             .state(microseconds{1}, job_id{1}, "reserved")
                             .state(microseconds{2}, job_id{1}, ""));
  std::string seen;
  for (const auto& event : fixture.events())
    seen += std::string{event.at("ph").as_string()} + ' ' + std::string{event.at("name").as_string()} + ", ";
  CHECK(seen == "b ready, e ready, b reserved, e reserved, ");
}

TEST_CASE("a state that began before the trace has no end in it", "[trace]") {
  const traced fixture;
  fixture.open()->append(chunk().state({}, job_id{1}, "reserved").state({}, job_id{2}, "").state({}, job_id{1}, ""));
  CHECK(fixture.events().size() == 2);
}

TEST_CASE("the file is complete JSON after each write, and after a write that failed", "[trace]") {
  const traced fixture;
  const auto file = fixture.open();
  CHECK(fixture.events().empty());
  for (std::size_t n = 1; n <= 3; ++n) {
    file->append(chunk().work(milliseconds{n}, "one").state({}, job_id{n}, "ready"));
    CHECK(fixture.events().size() == 2 * n);
  }
  // No larger file than this one may be written.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{fixture.text().size() + 100, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  testing::taken_log log{std::vector<std::string_view>{}};
  ::setrlimit(RLIMIT_FSIZE, &little);
  file->append(chunk().work({}, "too much").work({}, "too much"));
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(file->current() == trace_file::state::failed);
  CHECK(fixture.events().size() == 6);
  CHECK(std::ranges::count(log.finish(), "trace_failed") == 1);
  file->append(chunk().work({}, "afterwards"));
  file->finish({}, 5);
  CHECK(fixture.events().size() == 6);
}

TEST_CASE("a full trace says so in the log and in its last event, and takes no more", "[trace]") {
  const traced fixture;
  constexpr std::uint64_t bytes_max = 20'000;
  const auto file = fixture.open(bytes_max);
  testing::taken_log log{std::vector<std::string_view>{}};
  for (int n = 0; n < 1000; ++n) file->append(chunk().work({}, "a job"));
  CHECK(file->current() == trace_file::state::full);
  CHECK(std::ranges::count(log.finish(), "trace_full") == 1);
  CHECK(fixture.text().size() <= bytes_max);
  CHECK(fixture.text().size() > bytes_max / 2);
  const auto events = fixture.events();
  CHECK(events.back().at("name") == "the trace is full");
  file->finish(instant{seconds{100}}, 7);
  CHECK(fixture.events().back().at("name") == "events left out");
  CHECK(fixture.events().back().at("args").at("count") == 7);
  CHECK(fixture.text().size() <= bytes_max);
}

TEST_CASE("only a regular file that can be made becomes a trace", "[trace]") {
  const traced fixture;
  const auto in_nothing = trace_file::open(fixture.folder / "no" / "trace.json", 1u << 20, true);
  CHECK(in_nothing.error().code == errc::io);
  CHECK(in_nothing.error().text.ends_with("trace.json cannot be made: No such file or directory"));
  const auto pipe = (fixture.folder / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto link = (fixture.folder / "link").string();
  fs::create_symlink("/no/such/file", link);
  for (const bool may_exist : {true, false}) {
    const auto error_of = [&](const std::string& path) {
      return trace_file::open(path, 1u << 20, may_exist).error().text;
    };
    CHECK(error_of("/dev/full") == "/dev/full is a device, no regular file");
    CHECK(error_of(fixture.folder) == fixture.folder.string() + " is a directory, no regular file");
    CHECK(error_of(pipe) == pipe + " is a pipe, no regular file");
    CHECK(error_of(link) == link + " is a symbolic link to nothing, no regular file");
  }
  // A pipe with a reader can be opened, and is no trace all the same.
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  CHECK(trace_file::open(pipe, 1u << 20, true).error().text == pipe + " is a pipe, no regular file");
  ::close(reader);
  std::ofstream{fixture.path()} << "something else";
  const auto existing = trace_file::open(fixture.path(), 1u << 20, false);
  CHECK(existing.error().text == fixture.path() + " cannot be made: File exists");
  CHECK(fixture.text() == "something else");
  CHECK(trace_file::open(fixture.path(), 1u << 20, true).has_value());
  CHECK(fixture.events().empty());
}

TEST_CASE("only its owner may read a trace, whatever the mode of the file was", "[trace]") {
  const traced fixture;
  std::ofstream{fixture.path()} << "something else";
  fs::permissions(fixture.path(), fs::perms{0666});
  static_cast<void>(fixture.open());
  CHECK(fs::status(fixture.path()).permissions() == fs::perms{0600});
  CHECK(fixture.events().empty());
  // A mode that others do not gain from stays.
  fs::permissions(fixture.path(), fs::perms{0200});
  static_cast<void>(fixture.open());
  CHECK(fs::status(fixture.path()).permissions() == fs::perms{0200});
}

TEST_CASE("a file that no trace can begin in is removed, unless it was there before", "[trace]") {
  const traced fixture;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit little{20, before.rlim_max};  // as on a full disk
  const auto error_of = [&](bool may_exist) {
    ::setrlimit(RLIMIT_FSIZE, &little);
    auto text = trace_file::open(fixture.path(), 1u << 20, may_exist).error().text;
    ::setrlimit(RLIMIT_FSIZE, &before);
    return text;
  };
  CHECK(error_of(false) == fixture.path() + " cannot be written: File too large");
  CHECK_FALSE(fs::exists(fixture.path()));
  CHECK(error_of(true) == fixture.path() + " cannot be written: File too large");
  CHECK_FALSE(fs::exists(fixture.path()));
  std::ofstream{fixture.path()} << "something else";
  CHECK(error_of(true) == fixture.path() + " cannot be written: File too large");
  CHECK(fs::exists(fixture.path()));
  fs::remove(fixture.path());
  trace_file::open(fixture.path(), 1u << 20, false).value().reset();  // the start was given up
  CHECK_FALSE(fs::exists(fixture.path()));
}

TEST_CASE("a trace that has ended is closed", "[trace]") {
  const traced fixture;
  const auto is_open = [&] {
    return std::ranges::any_of(fs::directory_iterator{"/proc/self/fd"}, [&](const fs::directory_entry& one) {
      std::error_code gone;
      return fs::read_symlink(one, gone) == fixture.path();
    });
  };
  const auto file = fixture.open();
  CHECK(is_open());
  file->append(chunk().work({}, "one"));
  file->finish({}, 0);
  CHECK_FALSE(is_open());
  CHECK(file->current() == trace_file::state::complete);
  CHECK(file->bytes() == fs::file_size(fixture.path()));
  file->append(chunk().work({}, "afterwards"));
  CHECK(fixture.events().size() == 1);
}

}  // namespace millrace::loop
