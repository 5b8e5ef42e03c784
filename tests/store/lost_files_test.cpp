// Files of the store that are deleted, replaced or truncated while it is open.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "store/data_files.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::put_of;
using testing::scratch_directory;
using testing::store_desk;

TEST_CASE("nothing is called safe any more once a file of the store is deleted, replaced or truncated") {
  const std::string name = GENERATE("millrace.db", "millrace.db-wal", "millrace.db-shm", "millrace.lock");
  const std::string fate = GENERATE("deleted", "replaced", "truncated");
  if (name == "millrace.lock" && fate == "truncated") return;  // it is always empty
  INFO(name << " " << fate);
  scratch_directory scratch, away;
  const auto path = scratch.data_dir() + "/" + name;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  desk.until_durable(desk.append(put_of(1, std::string(20'000, 'x'))));
  REQUIRE(desk.store->failure().empty());
  if (fate == "deleted") std::filesystem::remove(path);
  if (fate == "replaced") {
    std::filesystem::rename(path, away.path() + "/" + name);
    std::filesystem::copy_file(away.path() + "/" + name, path);
  }
  if (fate == "truncated") REQUIRE(::truncate(path.c_str(), 0) == 0);
  const auto batch = desk.append(put_of(2, "not acknowledged"));
  desk.until_durable(batch);
  CHECK(desk.store->durable_up_to() < batch);
  CHECK(desk.store->failure().find(name + " was " + fate) != std::string::npos);
}

TEST_CASE("a lost file is noticed though nothing is written") {
  scratch_directory scratch;
  store_desk desk{{.data_dir = scratch.data_dir()}};
  desk.until_durable(desk.append(put_of(1, "x")));
  std::filesystem::remove(scratch.data_file());
  desk.until([&] { return !desk.store->failure().empty(); });
  CHECK(desk.store->failure().find("millrace.db was deleted") != std::string::npos);
}

TEST_CASE("an index that was truncated costs nothing that was acknowledged") {
  const auto left = GENERATE(0, 200, 4'096, 16'384);
  INFO(left << " bytes are left of it");
  scratch_directory scratch;
  {
    store_desk desk{{.data_dir = scratch.data_dir()}};
    for (std::uint64_t id = 1; id <= 50; ++id) desk.until_durable(desk.append(put_of(id, std::string(9'000, 'x'))));
    REQUIRE(::truncate((scratch.data_file() + "-shm").c_str(), left) == 0);
    desk.until_durable(desk.append(put_of(51, "not acknowledged")));
    CHECK_FALSE(desk.store->failure().empty());
  }
  store_desk again{{.data_dir = scratch.data_dir()}};
  CHECK(again.recover().jobs.size() >= 50);
}
