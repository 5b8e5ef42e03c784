#include "store/fsck.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "store/group_rows.hpp"
#include "store/history_rows.hpp"
#include "store/row_checks.hpp"
#include "store/rows.hpp"
#include "store/schema.hpp"

namespace millrace::store {

namespace {

class inspection {
 public:
  inspection(sqlite::connection& data, examination& found, const std::function<void(std::string_view)>& on_fault)
      : data_{data}, found_{found}, on_fault_{on_fault} {}

  void structure() {
    auto lines = data_.prepare("PRAGMA integrity_check");
    if (!lines) return damaged("the file", lines.error());
    for (;;) {
      const auto more = lines->step();
      if (!more) return damaged("the file", more.error());
      if (!*more) return;
      if (lines->text(0) != "ok") say("the file: " + std::string{lines->text(0)});
    }
  }

  void schema(std::int64_t version) {
    const auto differences = schema_differences(data_, version);
    if (!differences) return damaged("the schema", differences.error());
    for (const auto& one : *differences) say(one);
  }

  void queues() {
    each_row("table queue", std::string{queue_query}, [this](sqlite::statement& row) -> result<> {
      ++found_.queues;
      kept_queue queue;
      if (const auto read = read_queue(row, duration::zero(), queue); !read) return read;
      queues_.insert(queue.number);
      return {};
    });
  }

  void jobs(std::int64_t version) {
    if (const auto defined = define_checksum(data_); !defined) return damaged("table job", defined.error());
    std::int64_t last = INT64_MIN;
    each_row("table job", job_query(body_part::bytes, "ORDER BY id", version), [&](sqlite::statement& row) -> result<> {
      ++found_.jobs;
      job_row job;
      if (const auto read = read_job(row, body_part::bytes, &queues_, duration::zero(), job); !read) return read;
      const auto id = static_cast<std::int64_t>(job.job.job.value());
      if (std::exchange(last, id) >= id) {
        return invalid("row " + std::to_string(id) + " of table job: it comes out of order");
      }
      return {};
    });
  }

  void histories(std::int64_t version) {
    const auto table = history_table(version);
    const auto query = history_query("ORDER BY id", version);
    each_row("table " + std::string{table}, query, [version](sqlite::statement& row) {
      engine::kept_job job;
      return read_history(row, version, duration::zero(), job);
    });
    if (table == "job") return;
    const auto orphans = "SELECT id FROM job_history WHERE NOT EXISTS(SELECT 1 FROM job WHERE job.id = job_history.id)";
    each_row("table job_history", orphans,
             [](sqlite::statement& row) -> result<> { return bad_row("job_history", row, "its job is not there"); });
  }

  void groups() {
    std::map<engine::group_id, engine::kept_group> found;
    each_row("table job_group", std::string{group_query}, [&found](sqlite::statement& row) -> result<> {
      engine::kept_group group;
      if (auto read = read_group(row, duration::zero(), group); !read) return read;
      found[group.group] = std::move(group);
      return {};
    });
    each_row("table group_member", std::string{member_query}, [&found](sqlite::statement& row) -> result<> {
      member_row member;
      if (auto read = read_member(row, member); !read) return read;
      const auto group = found.find(member.group);
      if (group == found.end()) return group_missing(member);
      group->second.ended.emplace_back(member.place, engine::group_member{});
      return {};
    });
    for (const auto& [id, group] : found) {
      if (const auto agree = check_members(group); !agree) say(agree.error().text);
    }
  }

  void actions() {
    each_row("table action", std::string{action_query}, [](sqlite::statement& row) {
      action_row action;
      return read_action(row, action);
    });
  }

  void positions() {
    each_row("table source_position", std::string{position_query}, [](sqlite::statement& row) {
      kept_position position;
      return read_position(row, position);
    });
  }

  void marks() {
    each_row("table mark", std::string{mark_query}, [](sqlite::statement& row) {
      mark_row mark;
      return read_mark(row, mark);
    });
  }

  /// Why the file could not be read to its end.
  [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }

 private:
  void each_row(const std::string& table, const std::string& query,
                const std::function<result<>(sqlite::statement&)>& check) {
    auto rows = data_.prepare(query);
    if (!rows) return damaged(table, rows.error());
    for (;;) {
      const auto more = rows->step();
      if (!more) return damaged(table, more.error());
      if (!*more) return;
      if (const auto valid = check(*rows); !valid) say(valid.error().text);
    }
  }

  /// A disk that cannot be read says nothing about the file.
  void damaged(const std::string& part, const error& cause) {
    if (cause.code == errc::invalid) return say(part + ": " + cause.text);
    if (!failure_) failure_ = error{cause.code, part + ": " + cause.text};
  }
  void say(const std::string& line) {
    ++found_.faults;
    on_fault_(line);
  }

  sqlite::connection& data_;
  examination& found_;
  const std::function<void(std::string_view)>& on_fault_;
  known_queues queues_;
  std::optional<error> failure_;
};

}  // namespace

result<examination> fsck(const data_directory& directory, const std::function<void(std::string_view)>& on_fault) {
  examination found;
  auto data = open_to_examine(directory);
  auto version = data ? version_of(*data) : data.error();
  if (!version) {
    if (version.error().code != errc::invalid) return version.error();
    ++found.faults;
    on_fault("the file cannot be read at all: " + version.error().text);
    return found;
  }
  inspection of{*data, found, on_fault};
  of.structure();
  // A start creates the tables of a file that has none.
  if (*version > 0) {
    of.schema(*version);
    of.queues();
    of.jobs(*version);
    of.histories(*version);
    of.marks();
  }
  if (*version > 3) of.groups();
  if (*version > 3) of.actions();
  if (*version > 1) of.positions();
  if (of.failure()) return error{of.failure()->code, directory.data_file() + ": " + of.failure()->text};
  return found;
}

}  // namespace millrace::store
