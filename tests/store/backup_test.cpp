#include "store/backup.hpp"

#include <atomic>
#include <fstream>
#include <set>

#include "store/desk.hpp"
#include "support/catch.hpp"
#include "support/text_matcher.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

namespace {

using outcome = std::optional<result<std::uint64_t>>;

loop::awaitable<> run(store::backup& backup, std::string target, outcome& into) {
  into = co_await backup.run(std::move(target));
}

loop::awaitable<> run_watched(store::backup& backup, std::string target, outcome& into,
                              std::vector<store::backup_progress>& seen) {
  into = co_await backup.run(std::move(target), [&seen](const store::backup_progress& now) { seen.push_back(now); });
}

loop::awaitable<> close(store::backup& backup, bool& closed) {
  co_await backup.close();
  closed = true;
}

/// Holds the thread of a backup when it has begun to read: it asks then how much space is free.
struct gate {
  [[nodiscard]] store::store_context context() {
    store::store_context made;
    made.free_bytes = [this](const std::string&) {
      is_reached = true;
      is_reached.notify_all();
      is_open.wait(false);
      return UINT64_MAX;
    };
    return made;
  }
  void open() {
    is_open = true;
    is_open.notify_all();
  }

  std::atomic<bool> is_reached{false};
  std::atomic<bool> is_open{false};
};

/// A store with jobs on disk, and a backup of it.
struct backup_fixture {
  explicit backup_fixture(std::uint64_t jobs, store::store_context context = {})
      : backup{desk.loop, scratch.data_dir(), std::move(context)} {
    desk.recover();
    for (std::uint64_t id = 1; id <= jobs; ++id) last = desk.append(put_of(id, std::string(1'000, 'x')));
    desk.until_durable(last);
  }
  ~backup_fixture() {
    bool closed = false;
    scope.spawn("close", close(backup, closed));
    desk.until([&] { return closed; });
  }

  /// The ids of the jobs in the copy, with which a store starts.
  [[nodiscard]] std::set<std::uint64_t> copied() const {
    store_desk copy{{.data_dir = target}};
    std::set<std::uint64_t> ids;
    for (const auto& job : copy.recover().jobs) ids.insert(job.job.value());
    return ids;
  }

  scratch_directory scratch;
  const std::string target{scratch.path() + "/copy"};
  store_desk desk{{.data_dir = scratch.data_dir()}};
  store::backup backup;
  loop::task_scope scope{desk.loop};
  store::batch_id last{0};
};

}  // namespace

TEST_CASE("a backup has what was durable when it began, and nothing later") {
  constexpr std::uint64_t jobs = 4'000;  // several steps of the copy
  gate begun;
  backup_fixture fixture{jobs, begun.context()};
  outcome copied;
  std::vector<store::backup_progress> seen;
  fixture.scope.spawn("backup", run_watched(fixture.backup, fixture.target, copied, seen));
  fixture.desk.until([&] { return begun.is_reached.load() && !seen.empty(); });
  CHECK(seen.front().copied == 0);
  CHECK(seen.front().total > jobs * 1'000);
  fixture.desk.until_durable(fixture.desk.append(put_of(jobs + 1, "later")));
  fixture.desk.until_durable(fixture.desk.append(testing::gone_of(1)));
  begun.open();
  fixture.desk.until([&] { return copied.has_value(); });

  REQUIRE(copied->has_value());
  CHECK(**copied == seen.front().total);
  const auto ids = fixture.copied();
  CHECK(ids.size() == jobs);
  CHECK(*ids.begin() == 1);
  CHECK(*ids.rbegin() == jobs);
}

TEST_CASE("a backup replaces what one that was cut off left, and a second one is refused meanwhile") {
  backup_fixture fixture{1'000};
  const auto incomplete = fixture.target + ".incomplete";
  std::filesystem::create_directory(incomplete);
  std::ofstream{incomplete + "/millrace.db"} << "half of a page";
  outcome first;
  outcome second;
  fixture.scope.spawn("first", run(fixture.backup, fixture.target, first));
  fixture.scope.spawn("second", run(fixture.backup, fixture.target + "2", second));
  fixture.desk.until([&] { return first && second; });

  CHECK(first->has_value());
  REQUIRE_FALSE(second->has_value());
  CHECK(second->error().code == errc::refused);
  CHECK(second->error().text == "a backup is running");
  CHECK(fixture.copied().size() == 1'000);
  CHECK_FALSE(std::filesystem::exists(incomplete));

  outcome again;
  fixture.scope.spawn("again", run(fixture.backup, fixture.target, again));
  fixture.desk.until([&] { return again.has_value(); });
  REQUIRE_FALSE(again->has_value());
  CHECK(again->error().text == fixture.target + ": exists: name a directory that does not exist");
}

TEST_CASE("a backup that fails leaves nothing behind") {
  store::store_context context;
  std::string because;
  SECTION("the disk of the copy is too small") {
    context.free_bytes = [](const std::string&) -> std::uint64_t { return 100'000; };
    because = "100000 are free";
  }
  SECTION("the parent does not exist") { because = "No such file or directory"; }
  backup_fixture fixture{1'000, context};
  const auto target = because.find("such") == std::string::npos ? fixture.target : fixture.target + "/below";
  outcome copied;
  fixture.scope.spawn("backup", run(fixture.backup, target, copied));
  fixture.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK_THAT(copied->error().text, testing::contains_text(because));
  CHECK_FALSE(std::filesystem::exists(target));
  CHECK_FALSE(std::filesystem::exists(target + ".incomplete"));
}

TEST_CASE("a backup that fails removes no file that is not its own") {
  store::store_context context;
  context.free_bytes = [](const std::string&) -> std::uint64_t { return 0; };
  backup_fixture fixture{1, context};
  const auto incomplete = fixture.target + ".incomplete";
  std::filesystem::create_directory(incomplete);
  std::ofstream{incomplete + "/notes"} << "of somebody";
  outcome copied;
  fixture.scope.spawn("backup", run(fixture.backup, fixture.target, copied));
  fixture.desk.until([&] { return copied.has_value(); });

  CHECK_FALSE(copied->has_value());
  CHECK(std::filesystem::exists(incomplete + "/notes"));
  CHECK_FALSE(std::filesystem::exists(incomplete + "/millrace.db"));
}

TEST_CASE("the root directory is no target of a backup") {
  backup_fixture fixture{1};
  outcome copied;
  fixture.scope.spawn("backup", run(fixture.backup, "//", copied));
  fixture.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK(copied->error().text == "/: exists: name a directory that does not exist");
}

TEST_CASE("a backup that is stopped leaves nothing behind, and its caller hears of it") {
  gate begun;
  backup_fixture fixture{4'000, begun.context()};
  outcome copied;
  fixture.scope.spawn("backup", run(fixture.backup, fixture.target, copied));
  fixture.desk.until([&] { return begun.is_reached.load(); });
  fixture.backup.stop();
  begun.open();
  fixture.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK(copied->error().code == errc::cancelled);
  CHECK_FALSE(std::filesystem::exists(fixture.target));
  CHECK_FALSE(std::filesystem::exists(fixture.target + ".incomplete"));
}
