#include "store/fsck.hpp"

#include <array>
#include <string>

namespace millrace::store {

namespace {

/// A table, and the question that gives the key and the fault of each row that no writer of ours wrote.
struct inspected {
  const char* table;
  const char* question;
};

// The limits are those of store/reader: what passes here is read at the start, and what does not is refused there.
constexpr std::array<inspected, 3> tables{{
    {"queue", R"(
      SELECT number, CASE
        WHEN number NOT BETWEEN 1 AND 4294967295 THEN 'its number is out of range'
        WHEN typeof(name) <> 'text' OR name = '' THEN 'it has no name'
        WHEN typeof(paused_until) <> 'integer' THEN 'the end of its pause is no time'
        WHEN typeof(paused_for) <> 'integer' OR paused_for < 0 THEN 'the length of its pause is no duration'
      END AS fault FROM queue WHERE fault IS NOT NULL)"},
    {"job", R"(
      SELECT id, CASE
        WHEN id < 1 THEN 'its id is not above zero'
        WHEN typeof(job.queue) <> 'integer' OR queue.number IS NULL THEN 'its queue ' || quote(job.queue) || ' is not there'
        WHEN typeof(state) <> 'integer' OR state NOT IN (0, 1, 2) THEN 'its state ' || quote(state) || ' is none'
        WHEN typeof(urgency) <> 'integer' OR urgency NOT BETWEEN 0 AND 4294967295 THEN 'its priority is out of range'
        WHEN typeof(ttr) <> 'integer' OR ttr < 0 THEN 'its time to run is no duration'
        WHEN typeof(put_at) <> 'integer' THEN 'the time of its put is none'
        WHEN typeof(delay) <> 'integer' OR delay < 0 THEN 'its delay is no duration'
        WHEN typeof(due) <> 'integer' THEN 'the time when it is due is none'
        WHEN typeof(burying) <> 'integer' OR burying < 0 THEN 'the number of its burying is none'
        WHEN typeof(reserves) <> 'integer' OR reserves NOT BETWEEN 0 AND 4294967295
          OR typeof(timeouts) <> 'integer' OR timeouts NOT BETWEEN 0 AND 4294967295
          OR typeof(releases) <> 'integer' OR releases NOT BETWEEN 0 AND 4294967295
          OR typeof(buries) <> 'integer' OR buries NOT BETWEEN 0 AND 4294967295
          OR typeof(kicks) <> 'integer' OR kicks NOT BETWEEN 0 AND 4294967295 THEN 'one of its counters is out of range'
        WHEN typeof(error) <> 'text' THEN 'its error is no text'
        WHEN typeof(body) <> 'blob' THEN 'its body is not one of bytes'
      END AS fault FROM job LEFT JOIN queue ON queue.number = job.queue WHERE fault IS NOT NULL)"},
    {"mark", R"(
      SELECT name, CASE
        WHEN name <> 'id' THEN 'nobody knows this mark'
        WHEN typeof(value) <> 'integer' OR value < 0 THEN 'its value is no id'
      END AS fault FROM mark WHERE fault IS NOT NULL)"},
}};

class inspection {
 public:
  inspection(sqlite::connection& in, examination& found, const std::function<void(std::string_view)>& fault)
      : in_{in}, found_{found}, fault_{fault} {}

  void structure() {
    auto lines = in_.prepare("PRAGMA integrity_check");
    if (!lines) return damaged("the file", lines.error());
    for (;;) {
      const auto more = lines->step();
      if (!more) return damaged("the file", more.error());
      if (!*more) return;
      if (lines->text(0) != "ok") say("the file: " + std::string{lines->text(0)});
    }
  }

  void rows_of(const inspected& it) {
    const std::string table = std::string{"table "} + it.table;
    auto bad = in_.prepare(it.question);
    if (!bad) return damaged(table, bad.error());
    for (;;) {
      const auto more = bad->step();
      if (!more) return damaged(table, more.error());
      if (!*more) return;
      say(std::string{it.table} + " " + std::string{bad->text(0)} + ": " + std::string{bad->text(1)});
    }
  }

  std::uint64_t count(const char* question) {
    const auto rows = in_.number(question);
    return rows ? static_cast<std::uint64_t>(*rows) : 0;  // what does not let itself be counted has been told of
  }

 private:
  void damaged(const std::string& what, const error& why) { say(what + ": " + why.text); }
  void say(const std::string& line) {
    ++found_.faults;
    fault_(line);
  }

  sqlite::connection& in_;
  examination& found_;
  const std::function<void(std::string_view)>& fault_;
};

}  // namespace

result<examination> fsck(const data_directory& in, const std::function<void(std::string_view)>& fault) {
  examination found;
  auto data = open_data_file(in, nullptr);
  if (!data) {
    if (data.error().code != errc::invalid) return data.error();
    ++found.faults;
    fault("the file cannot be read at all: " + data.error().text);
    return found;
  }
  inspection of{*data, found, fault};
  of.structure();
  for (const auto& table : tables) of.rows_of(table);
  found.queues = of.count("SELECT count(*) FROM queue");
  found.jobs = of.count("SELECT count(*) FROM job");
  return found;
}

}  // namespace millrace::store
