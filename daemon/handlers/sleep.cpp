#include "handlers/sleep.hpp"

#include <string>
#include <string_view>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "handlers/body_duration.hpp"

namespace millrace::handlers {

namespace {

/// A text without placeholders must be a duration.
result<job_template> parse_length_template(std::string_view text) {
  auto parsed = job_template::parse(text);
  if (!parsed || !parsed->is_constant()) return parsed;
  if (const auto length = parse_duration(parsed->fill({}).value()); !length) return length.error();
  return parsed;
}

}  // namespace

const options_of<sleep_options>& sleep_option_table() {
  static const auto table =
      options_of<sleep_options>{}
          .parsed("length", &sleep_options::length, "Time that each job waits; without it, the body is the time.",
                  parse_length_template, job_template::write,
                  "a duration like 250ms, 30s or 1h30m, or " + std::string{job_template::expected})
          .example("250ms")
          .parsed("text", &sleep_options::text, "The output of each job; without it, the body.", job_template::parse,
                  job_template::write, std::string{job_template::expected})
          .example("done waiting");
  return table;
}

loop::awaitable<answer> sleep::handle(job work) {
  result<std::string> text = std::string{};
  if (options_.length) {
    text = options_.length->fill(work);
    if (!text) co_return text.error();
  }
  const result<duration> length =
      parse_body_as_duration(options_.length ? std::string_view{*text} : work.content.view());
  if (!length) co_return length.error();
  if (!options_.text) {
    co_await loop::sleep_for(loop_, *length);
    co_return std::nullopt;
  }
  auto output = options_.text->fill(work);
  if (!output) co_return output.error();
  co_await loop::sleep_for(loop_, *length);
  co_return std::move(*output);
}

}  // namespace millrace::handlers
