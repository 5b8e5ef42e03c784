#include "base/option_difference.hpp"

namespace millrace {

namespace {

std::optional<std::string> text_of(const option& declared, const void* owner) {
  if (declared.kind != option_kind::text_list) return declared.print(owner);
  std::string text;
  for (const auto& item : declared.print_list(owner)) text += (text.empty() ? "" : ", ") + item;
  return '[' + text + ']';
}

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
      const void* const one = declared.view_section(present);
      const void* const other = declared.view_section(next);
      if (one != nullptr && other != nullptr)
        add_changed(*declared.section, one, other, keys, changed);
      else if (one != other)
        changed.push_back({keys, std::nullopt});
    } else if (!is_equal(declared, present, next)) {
      changed.push_back({keys, text_of(declared, present)});
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
