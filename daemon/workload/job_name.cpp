#include "workload/job_name.hpp"

#include <string_view>

#include "base/utf8.hpp"

namespace millrace::workload {

std::string job_name_of(const handlers::job_template& name, const handlers::job& job) {
  const auto filled = name.fill(job);
  if (!filled) return {};
  std::string shown;
  for (std::string_view left = utf8_prefix(*filled, job_name_bytes_max); !left.empty();) {
    const auto [length, code] = first_character(left);
    const bool is_printable = length != 0 && code >= 0x20 && (code < 0x7f || code >= 0xa0);
    const std::string_view character = left.substr(0, length == 0 ? 1 : length);
    shown += is_printable ? character : std::string_view{" "};
    left.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace millrace::workload
