#include "store/schema.hpp"

#include <string>

#include "store/checksum.hpp"
#include "store/migration.hpp"

namespace millrace::store {

namespace {

// The row of a job includes its body. With bodies in a table of their own, every put and delete would write to two
// tables instead of one.
// Counts, error and details have a table of their own, `job_history`, because most jobs have none of them until they
// end. So the row of a job has 11 columns instead of 28: a start reads both tables side by side, and the statement
// that gives a million jobs of 64 B takes 0.27 s of processor time, against 0.38 s with all columns in one row. The
// store knows which jobs have a history (id_set.hpp), so the delete of a plain job does not search for one.
// In pages of log a job, batches of 64 (tests/bench/store_layout.py): as it is, everything in one row, bodies apart:
//   bodies of 64 B: put 0.09, 0.09, 0.12; delete 0.13, 0.13, 0.18; release 0.02, 0.04, 0.02;
//   of 4 KiB: put 1.18, 1.17, 1.21; delete 1.22, 1.22, 1.28; release or hand-out 0.03, 0.12, 0.03.
// A delete of a job with a history costs 0.05 more than in one row. A hand-out in a queue with `deliveries_max` is such
// a write for each reserve, and does not touch the body.
// Cost: a start that leaves bodies on disk still reads the pages of bodies that are shorter than a page.
// The key is SQLite's own row number, and there is no index: ids rise, so puts go to the right edge of the tree and
// recovery reads it from left to right. Buried jobs are wanted in another order and have a number to sort them by.
// The body comes last, so that reading the other columns does not touch the pages on which a long body continues.
constexpr const char* present_version = R"(
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
    checksum INTEGER NOT NULL,         -- of the body; see checksum.hpp
    body     BLOB NOT NULL);
  CREATE TABLE job_history(            -- of the jobs that have one
    id       INTEGER PRIMARY KEY NOT NULL,
    reserves INTEGER NOT NULL, timeouts INTEGER NOT NULL, releases INTEGER NOT NULL, buries INTEGER NOT NULL,
    kicks    INTEGER NOT NULL, failures INTEGER NOT NULL, interruptions INTEGER NOT NULL, laters INTEGER NOT NULL,
    handed_out    INTEGER NOT NULL,    -- 1: to a holder who has not answered, in a queue that counts interruptions
    first_failure INTEGER NOT NULL,    -- wall clock, ns, as the next two; 0: never
    last_failure  INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    group_id      INTEGER NOT NULL,    -- 0: none
    group_place   INTEGER NOT NULL,
    reason   TEXT NOT NULL,            -- why it was buried or dead-lettered, by name; else empty
    origin   TEXT NOT NULL,            -- of a dead letter: the name of the queue that it came from
    error    TEXT NOT NULL);
  CREATE TABLE mark(
    name  TEXT PRIMARY KEY NOT NULL,   -- 'id', 'group': the highest id that may have been given out
    value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE source_position(        -- how far a producer's source was read; written with the jobs it gave
    producer TEXT PRIMARY KEY NOT NULL,
    kind     TEXT NOT NULL,            -- of the source: its name in the settings
    place    INTEGER NOT NULL,         -- in what the source counts: bytes, items
    checksum INTEGER NOT NULL,         -- of what precedes the place
    bodies   INTEGER NOT NULL) WITHOUT ROWID;  -- put or refused up to the place
  CREATE TABLE job_group(
    id        INTEGER PRIMARY KEY NOT NULL,
    state     INTEGER NOT NULL,        -- 0 open, 1 closed, 2 ended
    ends_with INTEGER NOT NULL,        -- 0 all, 1 first, 2 first_failure
    remaining INTEGER NOT NULL,        -- 0 keep, 1 cancel
    opened_at INTEGER NOT NULL,        -- wall clock, ns
    members   INTEGER NOT NULL, ended INTEGER NOT NULL, succeeded INTEGER NOT NULL,
    outcome_put INTEGER NOT NULL,      -- 1: the job with the outcome was put
    outer_group INTEGER NOT NULL,      -- that job is a member of this group; 0: of none
    outer_place INTEGER NOT NULL,
    name          TEXT NOT NULL,
    outcome_queue TEXT NOT NULL);      -- empty: no job is put
  CREATE TABLE group_member(           -- of those that have ended; others are in job_history
    group_id INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    job      INTEGER NOT NULL,
    is_cut   INTEGER NOT NULL,         -- 1: the text is not whole
    outcome  TEXT NOT NULL,            -- by name
    text     TEXT NOT NULL,
    PRIMARY KEY(group_id, place)) WITHOUT ROWID;
  CREATE TABLE action(                 -- long actions on many jobs, which go on after a restart
    number      INTEGER PRIMARY KEY NOT NULL,
    description TEXT NOT NULL);        -- JSON
)";

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

std::string tables_of(std::int64_t version) {
  return version < schema_version ? tables_of_older(version) : present_version;
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

result<> prepare_schema(sqlite::connection& data, std::int64_t version) {
  if (version > 0) {
    if (const auto same = refuse_differences(data, version); !same) return same;
  }
  if (version == schema_version) return {};

  auto all = sqlite::transaction::begin(data);
  if (!all) return all.error();
  const auto made = version == 0 ? data.run(present_version) : migrate_from(data, version);
  if (!made) return made.error();
  const auto header = "PRAGMA application_id = " + std::to_string(application_id) +
                      "; PRAGMA user_version = " + std::to_string(schema_version);
  if (const auto done = data.run(header.c_str()); !done) return done.error();
  return all->commit();
}

}  // namespace millrace::store
