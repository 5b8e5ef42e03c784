// The schema of a file against the one that millrace creates.
#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "store/schema.hpp"

namespace millrace::store {

namespace {

struct object {
  std::string kind;
  std::string sql;  ///< without comments, and with one space between words
  std::vector<std::string> columns{};
};
using objects = std::map<std::string, object>;

/// What stays when comments, quotes of names and line breaks are left out: the words of a comment are no part of the
/// schema.
std::string plain_sql(std::string_view sql) {
  std::string plain;
  for (std::size_t at = 0; at < sql.size(); ++at) {
    if (sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size());
      if (at == sql.size()) break;
    }
    if (std::isspace(static_cast<unsigned char>(sql[at])) != 0) {
      if (!plain.empty() && plain.back() != ' ') plain += ' ';
    } else if (sql[at] != '"') {
      plain += sql[at];
    }
  }
  return plain;
}

result<std::vector<std::string>> columns_of(sqlite::connection& data, std::string_view table) {
  auto rows = data.prepare("SELECT name FROM pragma_table_xinfo(?1) ORDER BY cid");
  if (!rows) return rows.error();
  rows->bind_text(1, table);
  std::vector<std::string> names;
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return names;
    names.emplace_back(rows->text(0));
  }
}

result<objects> objects_of(sqlite::connection& data) {
  // `ANALYZE` leaves tables of statistics, which change no result.
  auto rows =
      data.prepare("SELECT name, type, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat_' ESCAPE '\\'");
  if (!rows) return rows.error();
  objects found;
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) break;
    found[std::string{rows->text(0)}] = {.kind = std::string{rows->text(1)}, .sql = plain_sql(rows->text(2))};
  }
  for (auto& [name, one] : found) {
    if (one.kind != "table") continue;
    auto columns = columns_of(data, name);
    if (!columns) return columns.error();
    one.columns = std::move(*columns);
  }
  return found;
}

bool has(const std::vector<std::string>& columns, const std::string& name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

/// The first difference that has a description.
std::string difference_of(const object& found, const object& expected) {
  for (const auto& name : found.columns) {
    if (!has(expected.columns, name)) return "has the foreign column '" + name + "'";
  }
  for (const auto& name : expected.columns) {
    if (!has(found.columns, name)) return "has no column '" + name + "'";
  }
  if (found.columns != expected.columns) return "has its columns in another order";
  return "is defined differently than millrace defines it";
}

}  // namespace

result<std::vector<std::string>> schema_differences(sqlite::connection& data, std::int64_t version) {
  auto model = sqlite::connection::open(":memory:", sqlite::open_as::read_write, nullptr);
  if (!model) return model.error();
  if (const auto created = model->run(tables_of(version).c_str()); !created) return created.error();
  const auto expected = objects_of(*model);
  if (!expected) return expected.error();
  const auto found = objects_of(data);
  if (!found) return found.error();

  std::vector<std::string> differences;
  for (const auto& [name, one] : *found) {
    const auto same = expected->find(name);
    if (same == expected->end()) {
      differences.push_back("the " + one.kind + " '" + name + "' is foreign");
    } else if (one.kind != same->second.kind || one.sql != same->second.sql) {
      differences.push_back("the " + one.kind + " '" + name + "' " + difference_of(one, same->second));
    }
  }
  for (const auto& [name, one] : *expected) {
    if (!found->contains(name)) differences.push_back("the " + one.kind + " '" + name + "' is missing");
  }
  return differences;
}

}  // namespace millrace::store
