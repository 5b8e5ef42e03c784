#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "store/desk.hpp"
#include "support/catch.hpp"

/// Data directories as a test wants to find them.
namespace millrace::testing {

/// One with so many jobs in it.
inline void fill(const std::string& data_dir, std::uint64_t jobs) {
  store_desk desk{{.data_dir = data_dir}};
  for (std::uint64_t id = 1; id <= jobs; ++id) desk.keep(put_of(id, std::string(100, 'x')));
}

/// What no store of ours would write.
inline void run_sql(const std::string& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace millrace::testing
