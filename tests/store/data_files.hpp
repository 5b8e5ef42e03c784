#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "store/desk.hpp"
#include "support/catch.hpp"

/// Data directories as a test wants to find them.
namespace millrace::testing {

/// Makes a store with so many jobs.
inline void fill(const std::string& data_dir, std::uint64_t jobs) {
  store_desk desk{{.data_dir = data_dir}};
  for (std::uint64_t id = 1; id <= jobs; ++id) desk.append(put_of(id, std::string(100, 'x')));
}

/// Makes changes that no store would write.
inline void run_sql(const std::string& file, const char* sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

/// An empty file as the first version of the schema made it.
inline void create_first_version(const scratch_directory& scratch) {
  std::filesystem::create_directory(scratch.data_dir());
  run_sql(scratch.data_file(), "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
  run_sql(scratch.data_file(), R"(
  CREATE TABLE queue(
    number       INTEGER PRIMARY KEY,  -- of this file; a program numbers its queues anew each time
    name         TEXT,
    paused_until INTEGER,              -- wall clock, ns; 0: not paused; 2^63-1: until somebody ends it
    paused_for   INTEGER);             -- ns
  CREATE TABLE job(
    id       INTEGER PRIMARY KEY,
    queue    INTEGER,
    state    INTEGER,                  -- 0 ready (or reserved), 1 delayed, 2 buried
    urgency  INTEGER,
    ttr      INTEGER,                  -- ns
    put_at   INTEGER,                  -- wall clock, ns
    delay    INTEGER,                  -- ns, the last one it was given
    due      INTEGER,                  -- wall clock, ns; when delayed, else 0
    burying  INTEGER,                  -- when buried: rises with each job that is buried, else 0
    reserves INTEGER, timeouts INTEGER, releases INTEGER, buries INTEGER, kicks INTEGER,
    error    TEXT,
    body     BLOB);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY,            -- 'id': the highest id that may have been given out
    value INTEGER) WITHOUT ROWID;
  PRAGMA application_id = 1835625580; PRAGMA user_version = 1)");
}

/// Makes an intact file of this version one of version 2 or 3: a job is one row, in version 2 without `failures`.
inline void go_back_to_version(const scratch_directory& scratch, int version) {
  const std::string failures_column = version == 2 ? "" : "failures INTEGER NOT NULL,\n";
  const std::string failures = version == 2 ? "" : "coalesce(failures, 0), ";
  const auto sql = R"(
  ALTER TABLE job RENAME TO job_4;
  CREATE TABLE job(
    id       INTEGER PRIMARY KEY NOT NULL,
    queue    INTEGER NOT NULL,
    state    INTEGER NOT NULL,         -- 0 ready (or reserved), 1 delayed, 2 buried
    urgency  INTEGER NOT NULL,
    ttr      INTEGER NOT NULL,         -- ns
    put_at   INTEGER NOT NULL,         -- wall clock, ns
    delay    INTEGER NOT NULL,         -- ns, the last one it was given
    due      INTEGER NOT NULL,         -- wall clock, ns; when delayed, else 0
    burying  INTEGER NOT NULL,         -- when buried: rises with each job that is buried, else 0
    reserves INTEGER NOT NULL, timeouts INTEGER NOT NULL, releases INTEGER NOT NULL, buries INTEGER NOT NULL,
    kicks    INTEGER NOT NULL,
    )" + failures_column +
                   R"(
    error    TEXT NOT NULL,
    checksum INTEGER NOT NULL,         -- of the body; see checksum.hpp
    body     BLOB NOT NULL);
  INSERT INTO job SELECT job_4.id, queue, state, urgency, ttr, put_at, delay, due, burying, coalesce(reserves, 0),
      coalesce(timeouts, 0), coalesce(releases, 0), coalesce(buries, 0), coalesce(kicks, 0), )" +
                   failures + R"(
      coalesce(error, ''), checksum, body FROM job_4 LEFT JOIN job_history USING(id) ORDER BY id;
  DROP TABLE job_4;
  DROP TABLE job_history;
  DROP TABLE job_group;
  DROP TABLE group_member;
  DROP TABLE action;
  PRAGMA user_version = )" +
                   std::to_string(version);
  run_sql(scratch.data_file(), sql.c_str());
}

/// A file of that version with the jobs 5 and 6 in the queue q1. Job 6 has no body, which millrace never writes.
inline void create_first_version_with_missing_body(const scratch_directory& scratch) {
  create_first_version(scratch);
  run_sql(scratch.data_file(),
          "INSERT INTO queue VALUES(3, 'q1', 0, 0);"
          "INSERT INTO job VALUES(5, 3, 0, 7, 60000000000, 1000, 0, 0, 0, 0, 0, 0, 0, 0, '', x'00ff');"
          "INSERT INTO job VALUES(6, 3, 0, 7, 60000000000, 1000, 0, 0, 0, 0, 0, 0, 0, 0, '', NULL)");
}

}  // namespace millrace::testing
