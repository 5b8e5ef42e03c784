#include "store/schema.hpp"

#include <array>
#include <string>

namespace millrace::store {

namespace {

// A job is one row, its body with it: a second table for bodies would be a second tree to write for every job. In pages of log a job, batches of 64
// (tests/bench/store_layout.py): 64 B bodies 0.09 to put and 0.13 to delete against 0.11 and 0.18 in a table of their own, 4 KiB bodies 1.18 and 1.22
// against 1.21 and 1.29; only a release, which most jobs never have, would be cheaper apart, and a body of several pages is not written again even so.
// The price: a start that leaves bodies on disk still reads the pages of those shorter than a page. Its key is
// SQLite's own row number, and there is no index: jobs come with rising ids, so puts go to the right edge of the tree and
// recovery reads it from left to right. What is wanted in another order (buried jobs) bears a number by which it is sorted.
// The body comes last: what is wanted of a row without it does not touch the pages on which a long one goes on.
constexpr const char* first_version = R"(
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
)";

/// What brings a file from the version of its place to the next one.
constexpr std::array<const char*, schema_version> steps{first_version};

result<> refuse_strangers(sqlite::connection& in) {
  const auto tables = in.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const auto owner = in.number("PRAGMA application_id");
  if (!owner) return owner.error();
  if (*tables > 0 && *owner != application_id) {
    return error{errc::unsupported, "it is a database, but not one of millrace"};
  }
  return {};
}

}  // namespace

result<> prepare_schema(sqlite::connection& in) {
  if (const auto ours = refuse_strangers(in); !ours) return ours.error();
  const auto version = in.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version > schema_version) {
    return error{errc::unsupported, "it was written by a newer millrace: its version is " + std::to_string(*version) +
                                        ", this program knows " + std::to_string(schema_version)};
  }
  if (*version < 0) return invalid("its version is " + std::to_string(*version));
  if (*version == schema_version) return {};

  auto all = sqlite::transaction::begin(in);
  if (!all) return all.error();
  for (auto step = *version; step < schema_version; ++step) {
    if (const auto done = in.run(steps[static_cast<std::size_t>(step)]); !done) return done.error();
  }
  const auto header = "PRAGMA application_id = " + std::to_string(application_id) +
                      "; PRAGMA user_version = " + std::to_string(schema_version);
  if (const auto done = in.run(header.c_str()); !done) return done.error();
  return all->commit();
}

}  // namespace millrace::store
