#include "handlers/body_duration.hpp"

#include <string>

#include <millrace/base/quantity.hpp>

#include "handlers/quote.hpp"

namespace millrace::handlers {

result<duration> parse_body_as_duration(std::string_view content) {
  const bool too_long = content.size() > duration_body_bytes_max;
  const std::string_view text = too_long ? content : trim(content);
  const error failure = rejected(quote(text) + " is not a duration (250ms, 1.5s, or a number of seconds)");
  if (too_long || text.empty() || text.size() > duration_characters_max) return failure;
  std::string with_unit{text};
  if (text.back() >= '0' && text.back() <= '9') with_unit += 's';
  const result<duration> length = parse_duration(with_unit);
  return length ? length : failure;
}

}  // namespace millrace::handlers
