#include "store/row_checks.hpp"

namespace millrace::store {

error bad_row(std::string_view table, std::string_view key, std::string_view fault) {
  return invalid("row " + std::string{key} + " of table " + std::string{table} + ": " + std::string{fault});
}

error bad_row(std::string_view table, sqlite::row_values& from, std::string_view fault) {
  return bad_row(table, std::string{from.text(0)}, fault);
}

error bad_number(std::string_view table, sqlite::row_values& from, int column, const char* name) {
  std::int64_t value = 0;
  const std::string subject = std::string{"its "} + name;
  if (!from.read(column, value)) return bad_row(table, from, subject + " is not a number");
  return bad_row(table, from, subject + " is out of range: " + std::to_string(value));
}

bool read_in_range(sqlite::row_values& from, int column, const number_column& of, std::int64_t& value) {
  return from.read(column, value) && value >= of.least && value <= of.most;
}

}  // namespace millrace::store
