#include "workload/job_order.hpp"

#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/base/time.hpp>

#include "handlers/quote.hpp"

namespace millrace::workload {

namespace {

/// A whole number, or the milliseconds of a duration; nullopt: neither.
std::optional<std::int64_t> value_of(std::string_view text) {
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  if (const auto [stop, failure] = std::from_chars(text.data(), end, number); stop == end && failure == std::errc{})
    return number;
  const bool is_negative = text.starts_with('-');
  const auto length = parse_duration(text.substr(is_negative ? 1 : 0));
  if (!length) return std::nullopt;
  const std::int64_t milliseconds_of_length = *length / milliseconds{1};
  return is_negative ? -milliseconds_of_length : milliseconds_of_length;
}

}  // namespace

result<job_order> job_order::parse(std::string_view text) {
  auto parsed = handlers::job_template::parse(text);
  if (!parsed) return parsed.error();
  if (parsed->is_constant()) return invalid(handlers::quote(text) + " is the same for all jobs");
  if (!parsed->needs_body_only()) return invalid("only the body of a job is known before its put");
  return job_order{std::move(*parsed)};
}

result<engine::priority> job_order::priority_of(const body& content) const {
  const auto text = template_.fill({job_id{}, content, {}});
  if (!text) return text.error();
  const auto value = value_of(handlers::trim(*text));
  if (!value) return rejected("order_by: " + handlers::quote(*text) + " is no whole number and no duration");
  if (*value < value_least || *value > value_most)
    return rejected("order_by: " + handlers::quote(*text) + " is not between " + std::to_string(value_least) + " and " +
                    std::to_string(value_most) + " (a duration counts in milliseconds)");
  return static_cast<engine::priority>(*value - value_least);
}

}  // namespace millrace::workload
