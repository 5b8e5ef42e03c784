#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/handlers/handler.hpp>

namespace millrace::handlers {

/// A text with placeholders that each job fills in:
///
///     ${body}              the body
///     ${json:/path}        a value of the body, which is JSON, by its JSON Pointer (RFC 6901): a string as it is, all
///                          else as JSON. `|` and `}` cannot be part of the path.
///     ${json:/path|text}   the same, or `text` where the body is no JSON or has no such value
///     ${field:N}           the Nth field of the body, from 1; white space separates fields
///     ${id} ${queue}       of the job
///     ${attempt}           times that the job was handed out, this one included
///     ${result}            of a job in steps: what the step before gave; else the body
///     ${result:/path}      a value of it, as `${json:/path}`; with `|text`, too
///     ${n} ${left}         the number of the round, from 1, and of the rounds that are left, this one included
///     ${elapsed}           of a job in steps: the time from its begin to the begin of the step, like 1.5s
///     ${env:NAME}          a variable of the environment, as it was when the text was parsed
///     $${                  `${`
///
/// `parse` checks everything that does not depend on a job. Immutable; any thread. As an option:
///
///     .parsed("text", &print_options::text, "What is printed.", job_template::parse, job_template::write,
///             std::string{job_template::expected})
class job_template {
 public:
  /// A longer body is neither parsed as JSON nor split into fields, because `fill` does it on the loop.
  static constexpr std::size_t parsed_bytes_max = std::size_t{256} * 1024;
  static constexpr std::size_t json_depth_max = 32;
  static constexpr std::uint32_t field_max = 1'000;
  /// Limits the text that is parsed, and the text that `fill` returns.
  static constexpr std::size_t filled_bytes_max = std::size_t{1024} * 1024;
  /// For the error messages and the documents of options.
  static constexpr std::string_view expected =
      "a text with ${body}, ${json:/path}, ${json:/path|default}, ${field:N}, ${id}, ${queue}, ${attempt}, "
      "${env:NAME}, "
      "and in steps ${result}, ${result:/path}, ${n}, ${left}, ${elapsed}";

  /// An error says at which character it is, from 1.
  [[nodiscard]] static result<job_template> parse(std::string_view text);
  /// The text that was parsed.
  [[nodiscard]] static std::string write(const job_template& parsed) { return parsed.source_; }

  /// The text for a job. An error is `rejected`, and says which placeholder has no value and why, or that the text is
  /// too long.
  [[nodiscard]] result<std::string> fill(const job& work) const;
  /// The same with encoded values, so that a value has no effect beyond its place in a URL, for instance. The text
  /// between the placeholders and the values of `${env:NAME}` are not encoded. A value at the very beginning is not
  /// either: it may be a URL.
  [[nodiscard]] result<std::string> fill(const job& work, std::string (*encode)(std::string_view)) const;
  /// No placeholder needs a job, so `fill` returns the same for all.
  [[nodiscard]] bool is_constant() const noexcept;
  /// The text depends on the body of a job at most, so a job that has no id yet can be filled in.
  [[nodiscard]] bool needs_body_only() const noexcept;

 private:
  enum class fact { body, id, queue, attempt, result, round, rounds_left, elapsed };
  struct json_value {
    std::string pointer;
    std::string fallback;
    bool has_fallback{false};
    bool of_result{false};  ///< of the step before, not of the body
  };
  struct field {
    std::uint32_t number{1};
  };
  using part = std::variant<std::string, fact, json_value, field>;
  class filling;

  static result<part> parse_placeholder(std::string_view name);
  static result<part> parse_json_value(std::string_view name, std::string_view prefix);

  std::string source_;
  std::vector<part> parts_;
};

}  // namespace millrace::handlers
