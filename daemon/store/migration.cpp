#include "store/migration.hpp"

#include <string>
#include <string_view>

#include "base/log.hpp"
#include "store/schema.hpp"

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

// As version 3 was created: with all counts and the error in the row of the job. Version 2 had no count of failures.
constexpr std::string_view third_version = R"(
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
    %failures%
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

// The new tables are created under their final names, so that a migrated file has the same schema as a new one. All
// rows are copied: a column that is added to an existing table stands behind the bodies, and reading it would touch
// their pages.
constexpr const char* rename_tables = R"(
  ALTER TABLE queue RENAME TO old_queue;
  ALTER TABLE job RENAME TO old_job;
  ALTER TABLE mark RENAME TO old_mark;
)";
constexpr const char* rename_source_positions = "ALTER TABLE source_position RENAME TO old_source_position";

// `%checksum%` and `%failures%` are columns, or what stands for them in versions that do not have them. A row without a
// history is one whose counts are all 0 and whose error is empty; a column that is NULL is refused by the new table.
constexpr std::string_view copy_tables = R"(
  INSERT INTO queue SELECT number, name, paused_until, paused_for FROM old_queue;
  INSERT INTO job SELECT id, queue, state, urgency, ttr, put_at, delay, due, burying, %checksum%, body
    FROM old_job ORDER BY id;
  INSERT INTO job_history SELECT id, reserves, timeouts, releases, buries, kicks, %failures%, 0, 0, 0, 0, 0, 0, 0, 0,
    '', '', error FROM old_job
    WHERE reserves IS NOT 0 OR timeouts IS NOT 0 OR releases IS NOT 0 OR buries IS NOT 0 OR kicks IS NOT 0
      OR %failures% IS NOT 0 OR error IS NOT ''
    ORDER BY id;
  INSERT INTO mark SELECT name, value FROM old_mark;
  DROP TABLE old_queue;
  DROP TABLE old_job;
  DROP TABLE old_mark;
)";
constexpr const char* copy_source_positions = R"(
  INSERT INTO source_position SELECT producer, kind, place, checksum, bodies FROM old_source_position;
  DROP TABLE old_source_position;
)";

void replace_all(std::string& sql, std::string_view mark, std::string_view text) {
  for (auto at = sql.find(mark); at != std::string::npos; at = sql.find(mark)) sql.replace(at, mark.size(), text);
}

std::string copy_of(std::int64_t version) {
  std::string sql{copy_tables};
  replace_all(sql, "%checksum%", version == 1 ? "checksum_of(id, body)" : "checksum");
  replace_all(sql, "%failures%", version < 3 ? "0" : "failures");
  return sql;
}

/// The row because of which the tables of an older version could not be copied.
error unusable_row(sqlite::connection& data, std::int64_t version, const error& found) {
  const auto lost = data.number("SELECT coalesce(min(id), 0) FROM old_job WHERE body IS NULL");
  if (lost && *lost != 0) {
    return invalid("row " + std::to_string(*lost) +
                   " of table job: its body is missing (an older version could not store it)");
  }
  return {errc::invalid, "a row of version " + std::to_string(version) + " has no value in a column: " + found.text};
}

}  // namespace

std::string tables_of_older(std::int64_t version) {
  if (version == 1) return first_version;
  std::string sql{third_version};
  replace_all(sql, "%failures%", version == 2 ? "" : "failures INTEGER NOT NULL,");
  return sql;
}

result<> migrate_from(sqlite::connection& data, std::int64_t version) {
  if (const auto defined = define_checksum(data); !defined) return defined;
  const auto jobs = data.number("SELECT count(*) FROM job");
  if (!jobs) return jobs.error();
  log::info("migrating", "the data file is migrated to the tables of this version, in one transaction",
            {{"jobs", *jobs}, {"from", version}, {"to", schema_version}});
  const bool has_positions = version > 1;
  if (const auto done = data.run(rename_tables); !done) return done;
  if (has_positions) {
    if (const auto done = data.run(rename_source_positions); !done) return done;
  }
  if (const auto done = data.run(tables_of(schema_version).c_str()); !done) return done;
  const auto copied = data.run(copy_of(version).c_str());
  if (!copied && copied.error().code == errc::invalid) return unusable_row(data, version, copied.error());
  if (!copied || !has_positions) return copied;
  return data.run(copy_source_positions);
}

}  // namespace millrace::store
