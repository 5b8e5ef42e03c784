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
  backup_fixture at{jobs, begun.context()};
  outcome copied;
  std::vector<store::backup_progress> seen;
  at.scope.spawn("backup", run_watched(at.backup, at.target, copied, seen));
  at.desk.until([&] { return begun.is_reached.load() && !seen.empty(); });
  CHECK(seen.front().copied == 0);
  CHECK(seen.front().total > jobs * 1'000);
  at.desk.until_durable(at.desk.append(put_of(jobs + 1, "later")));
  at.desk.until_durable(at.desk.append(testing::gone_of(1)));
  begun.open();
  at.desk.until([&] { return copied.has_value(); });

  REQUIRE(copied->has_value());
  CHECK(**copied == seen.front().total);
  const auto ids = at.copied();
  CHECK(ids.size() == jobs);
  CHECK(*ids.begin() == 1);
  CHECK(*ids.rbegin() == jobs);
}

TEST_CASE("a backup replaces what one that was cut off left, and a second one is refused meanwhile") {
  backup_fixture at{1'000};
  const auto incomplete = at.target + ".incomplete";
  std::filesystem::create_directory(incomplete);
  std::ofstream{incomplete + "/millrace.db"} << "half of a page";
  outcome first;
  outcome second;
  at.scope.spawn("first", run(at.backup, at.target, first));
  at.scope.spawn("second", run(at.backup, at.target + "2", second));
  at.desk.until([&] { return first && second; });

  CHECK(first->has_value());
  REQUIRE_FALSE(second->has_value());
  CHECK(second->error().code == errc::refused);
  CHECK(second->error().text == "a backup is running");
  CHECK(at.copied().size() == 1'000);
  CHECK_FALSE(std::filesystem::exists(incomplete));

  outcome again;
  at.scope.spawn("again", run(at.backup, at.target, again));
  at.desk.until([&] { return again.has_value(); });
  REQUIRE_FALSE(again->has_value());
  CHECK(again->error().text == at.target + ": exists: name a directory that does not exist");
}

TEST_CASE("a backup that fails leaves nothing behind") {
  store::store_context context;
  std::string because;
  SECTION("the disk of the copy is too small") {
    context.free_bytes = [](const std::string&) -> std::uint64_t { return 100'000; };
    because = "100000 are free";
  }
  SECTION("the parent does not exist") { because = "No such file or directory"; }
  backup_fixture at{1'000, context};
  const auto target = because.find("such") == std::string::npos ? at.target : at.target + "/below";
  outcome copied;
  at.scope.spawn("backup", run(at.backup, target, copied));
  at.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK_THAT(copied->error().text, testing::contains_text(because));
  CHECK_FALSE(std::filesystem::exists(target));
  CHECK_FALSE(std::filesystem::exists(target + ".incomplete"));
}

TEST_CASE("a backup that fails removes no file that is not its own") {
  store::store_context context;
  context.free_bytes = [](const std::string&) -> std::uint64_t { return 0; };
  backup_fixture at{1, context};
  const auto incomplete = at.target + ".incomplete";
  std::filesystem::create_directory(incomplete);
  std::ofstream{incomplete + "/notes"} << "of somebody";
  outcome copied;
  at.scope.spawn("backup", run(at.backup, at.target, copied));
  at.desk.until([&] { return copied.has_value(); });

  CHECK_FALSE(copied->has_value());
  CHECK(std::filesystem::exists(incomplete + "/notes"));
  CHECK_FALSE(std::filesystem::exists(incomplete + "/millrace.db"));
}

TEST_CASE("the root directory is no target of a backup") {
  backup_fixture at{1};
  outcome copied;
  at.scope.spawn("backup", run(at.backup, "//", copied));
  at.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK(copied->error().text == "/: exists: name a directory that does not exist");
}

TEST_CASE("a backup that is stopped leaves nothing behind, and its caller hears of it") {
  gate begun;
  backup_fixture at{4'000, begun.context()};
  outcome copied;
  at.scope.spawn("backup", run(at.backup, at.target, copied));
  at.desk.until([&] { return begun.is_reached.load(); });
  at.backup.stop();
  begun.open();
  at.desk.until([&] { return copied.has_value(); });

  REQUIRE_FALSE(copied->has_value());
  CHECK(copied->error().code == errc::cancelled);
  CHECK_FALSE(std::filesystem::exists(at.target));
  CHECK_FALSE(std::filesystem::exists(at.target + ".incomplete"));
}
