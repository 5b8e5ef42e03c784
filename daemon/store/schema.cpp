#include "store/schema.hpp"

#include <string>

#include "base/log.hpp"
#include "store/checksum.hpp"

namespace millrace::store {

namespace {

// As version 1 was created; without NOT NULL, an older program could leave a column empty.
constexpr const char* first_version = R"(
  CREATE TABLE queue(
    number       INTEGER PRIMARY KEY,
    name         TEXT,
    paused_until INTEGER,
    paused_for   INTEGER);
  CREATE TABLE job(
    id       INTEGER PRIMARY KEY,
    queue    INTEGER,
    state    INTEGER,
    urgency  INTEGER,
    ttr      INTEGER,
    put_at   INTEGER,
    delay    INTEGER,
    due      INTEGER,
    burying  INTEGER,
    reserves INTEGER, timeouts INTEGER, releases INTEGER, buries INTEGER, kicks INTEGER,
    error    TEXT,
    body     BLOB);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY,
    value INTEGER) WITHOUT ROWID;
)";

// As version 2 was created: without a count of failures.
constexpr const char* second_version = R"(
  CREATE TABLE queue(
    number       INTEGER PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    paused_until INTEGER NOT NULL,
    paused_for   INTEGER NOT NULL);
  CREATE TABLE job(
    id       INTEGER PRIMARY KEY NOT NULL,
    queue    INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    urgency  INTEGER NOT NULL,
    ttr      INTEGER NOT NULL,
    put_at   INTEGER NOT NULL,
    delay    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    burying  INTEGER NOT NULL,
    reserves INTEGER NOT NULL, timeouts INTEGER NOT NULL, releases INTEGER NOT NULL, buries INTEGER NOT NULL,
    kicks    INTEGER NOT NULL,
    error    TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    body     BLOB NOT NULL);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE source_position(
    producer TEXT PRIMARY KEY NOT NULL,
    kind     TEXT NOT NULL,
    place    INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    bodies   INTEGER NOT NULL) WITHOUT ROWID;
)";

// A job is one row that includes its body: a second table for bodies would be a second tree to write for every job. In
// pages of log a job, batches of 64 (tests/bench/store_layout.py): bodies of 64 B take 0.09 to put and 0.13 to delete,
// against 0.11 and 0.18 in a table of their own; bodies of 4 KiB 1.18 and 1.22 against 1.21 and 1.29. Only a release
// would be cheaper with two tables. Most jobs have none, and a body of several pages is not written again even so.
// Cost: a start that leaves bodies on disk still reads the pages of bodies that are shorter than a page.
// The key is SQLite's own row number, and there is no index: ids rise, so puts go to the right edge of the tree and
// recovery reads it from left to right. Buried jobs are wanted in another order and have a number to sort them by.
// The body comes last, so that reading the other columns does not touch the pages on which a long body continues.
constexpr const char* third_version = R"(
  CREATE TABLE queue(
    number       INTEGER PRIMARY KEY NOT NULL,  -- of this file; a program numbers its queues anew each time
    name         TEXT NOT NULL,
    paused_until INTEGER NOT NULL,     -- wall clock, ns; 0: not paused; 2^63-1: until somebody ends it
    paused_for   INTEGER NOT NULL);    -- ns
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
    failures INTEGER NOT NULL,         -- attempts that failed or took too long
    error    TEXT NOT NULL,
    checksum INTEGER NOT NULL,         -- of the body; see checksum.hpp
    body     BLOB NOT NULL);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY NOT NULL,   -- 'id': the highest id that may have been given out
    value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE source_position(        -- how far a producer's source was read; written with the jobs it gave
    producer TEXT PRIMARY KEY NOT NULL,
    kind     TEXT NOT NULL,            -- of the source: its name in the settings
    place    INTEGER NOT NULL,         -- in what the source counts: bytes, items
    checksum INTEGER NOT NULL,         -- of what precedes the place
    bodies   INTEGER NOT NULL) WITHOUT ROWID;  -- put or refused up to the place
)";

// The new tables are created under their final names, so that a migrated file has the same schema as a new one. All
// rows are copied: a column that is added to an existing table stands behind the bodies, and reading it would touch
// their pages.
constexpr const char* rename_v1_tables = R"(
  ALTER TABLE queue RENAME TO old_queue;
  ALTER TABLE job RENAME TO old_job;
  ALTER TABLE mark RENAME TO old_mark;
)";
constexpr const char* copy_first_version = R"(
  INSERT INTO queue SELECT number, name, paused_until, paused_for FROM old_queue;
  INSERT INTO job SELECT id, queue, state, urgency, ttr, put_at, delay, due, burying, reserves, timeouts,
    releases, buries, kicks, 0, error, checksum_of(id, body), body FROM old_job ORDER BY id;
  INSERT INTO mark SELECT name, value FROM old_mark;
  DROP TABLE old_queue;
  DROP TABLE old_job;
  DROP TABLE old_mark;
)";

constexpr const char* rename_v2_tables = R"(
  ALTER TABLE queue RENAME TO old_queue;
  ALTER TABLE job RENAME TO old_job;
  ALTER TABLE mark RENAME TO old_mark;
  ALTER TABLE source_position RENAME TO old_source_position;
)";
constexpr const char* copy_second_version = R"(
  INSERT INTO queue SELECT number, name, paused_until, paused_for FROM old_queue;
  INSERT INTO job SELECT id, queue, state, urgency, ttr, put_at, delay, due, burying, reserves, timeouts,
    releases, buries, kicks, 0, error, checksum, body FROM old_job ORDER BY id;
  INSERT INTO mark SELECT name, value FROM old_mark;
  INSERT INTO source_position SELECT producer, kind, place, checksum, bodies FROM old_source_position;
  DROP TABLE old_queue;
  DROP TABLE old_job;
  DROP TABLE old_mark;
  DROP TABLE old_source_position;
)";

/// The row because of which the tables of an older version could not be copied.
error unusable_row(sqlite::connection& data, std::int64_t version, error found) {
  const auto lost = data.number("SELECT coalesce(min(id), 0) FROM old_job WHERE body IS NULL");
  if (lost && *lost != 0) {
    return invalid("row " + std::to_string(*lost) +
                   " of table job: its body is missing (an older version could not store it)");
  }
  return {errc::invalid, "a row of version " + std::to_string(version) + " has no value in a column: " + found.text};
}

result<> migrate_from(sqlite::connection& data, std::int64_t version) {
  if (const auto defined = define_checksum(data); !defined) return defined;
  const auto jobs = data.number("SELECT count(*) FROM job");
  if (!jobs) return jobs.error();
  log::info("migrating", "the data file is migrated to the tables of this version, in one transaction",
            {{"jobs", *jobs}, {"from", version}, {"to", schema_version}});
  const bool first = version == 1;
  for (const char* const step : {first ? rename_v1_tables : rename_v2_tables, third_version}) {
    if (const auto done = data.run(step); !done) return done;
  }
  const auto copied = data.run(first ? copy_first_version : copy_second_version);
  if (!copied && copied.error().code == errc::invalid) return unusable_row(data, version, copied.error());
  return copied;
}

result<> refuse_differences(sqlite::connection& data, std::int64_t version) {
  const auto differences = schema_differences(data, version);
  if (!differences) return differences.error();
  if (differences->empty()) return {};
  std::string all;
  for (const auto& one : *differences) all += (all.empty() ? "" : "; ") + one;
  return invalid(all);
}

result<> refuse_foreign_database(sqlite::connection& data) {
  const auto tables = data.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const auto owner = data.number("PRAGMA application_id");
  if (!owner) return owner.error();
  if (*tables > 0 && *owner != application_id) {
    return error{errc::unsupported, "it is a database, but not one of millrace"};
  }
  return {};
}

}  // namespace

result<> define_checksum(sqlite::connection& data) {
  return data.define("checksum_of", [](std::int64_t id, std::string_view body) {
    return checksum_of(job_id{static_cast<std::uint64_t>(id)}, body);
  });
}

const char* tables_of(std::int64_t version) noexcept {
  switch (version) {
    case 1:
      return first_version;
    case 2:
      return second_version;
    default:
      return third_version;
  }
}

result<std::int64_t> version_of(sqlite::connection& data) {
  if (const auto ours = refuse_foreign_database(data); !ours) return ours.error();
  const auto version = data.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > schema_version) {
    return error{errc::unsupported, "it was written by a newer millrace: its version is " + std::to_string(*version) +
                                        ", this program knows " + std::to_string(schema_version)};
  }
  if (*version < 0) return invalid("its version is " + std::to_string(*version));
  return *version;
}

result<> prepare_schema(sqlite::connection& data) {
  const auto version = version_of(data);
  if (!version) return version.error();
  if (*version > 0) {
    if (const auto same = refuse_differences(data, *version); !same) return same;
  }
  if (*version == schema_version) return {};

  auto all = sqlite::transaction::begin(data);
  if (!all) return all.error();
  const auto made = *version == 0 ? data.run(third_version) : migrate_from(data, *version);
  if (!made) return made.error();
  const auto header = "PRAGMA application_id = " + std::to_string(application_id) +
                      "; PRAGMA user_version = " + std::to_string(schema_version);
  if (const auto done = data.run(header.c_str()); !done) return done.error();
  return all->commit();
}

}  // namespace millrace::store
