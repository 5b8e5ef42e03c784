#include "base/option_difference.hpp"

#include <optional>

namespace millrace {

namespace {

bool is_equal(const option& declared, const void* one, const void* other) {
  if (declared.kind == option_kind::text_list) return declared.print_list(one) == declared.print_list(other);
  return declared.print(one) == declared.print(other);
}

void add_changed(const option_table& table, const void* present, const void* next, std::vector<std::string>& keys,
                 std::vector<changed_option>& changed) {
  for (const option& declared : table.options()) {
    if (!declared.planned.empty()) continue;
    keys.push_back(declared.key);
    if (declared.kind == option_kind::section) {
      add_changed(*declared.section, declared.view_section(present), declared.view_section(next), keys, changed);
    } else if (!is_equal(declared, present, next)) {
      const bool is_list = declared.kind == option_kind::text_list;
      changed.push_back({keys, is_list ? std::string{} : declared.print(present).value_or("")});
    }
    keys.pop_back();
  }
}

}  // namespace

std::vector<changed_option> changed_options(const option_table& table, const void* present, const void* next) {
  std::vector<changed_option> changed;
  std::vector<std::string> keys;
  add_changed(table, present, next, keys, changed);
  return changed;
}

}  // namespace millrace
