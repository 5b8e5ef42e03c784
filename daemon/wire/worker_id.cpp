#include "wire/worker_id.hpp"

#include <charconv>
#include <cstdint>

#include "wire/worker_frame.hpp"

namespace millrace::wire {

void append_worker_id(std::string& to, job_id id) {
  const bool as_number = id.value() <= worker_number_max;
  if (!as_number) to += '"';
  to += std::to_string(id.value());
  if (!as_number) to += '"';
}

result<job_id> parse_worker_id(const boost::json::object& line, std::string_view key) {
  const auto* const found = line.if_contains(key);
  if (found == nullptr) return invalid("the line has no `" + std::string{key} + "`");
  std::uint64_t number = 0;
  if (const auto* const text = found->if_string()) {
    const char* const end = text->data() + text->size();
    const auto [stop, failure] = std::from_chars(text->data(), end, number);
    if (failure != std::errc{} || stop != end) number = 0;
  } else if (const auto* const is_signed = found->if_int64()) {
    number = *is_signed > 0 ? static_cast<std::uint64_t>(*is_signed) : 0;
  } else if (const auto* const is_unsigned = found->if_uint64()) {
    number = *is_unsigned;
  }
  if (number == 0 || number > job_id_max.value()) return invalid("`" + std::string{key} + "` is not the id of a job");
  return job_id{number};
}

}  // namespace millrace::wire
