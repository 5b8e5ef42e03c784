#include <millrace/handlers/job_template.hpp>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "base/json_text.hpp"
#include "handlers/quote.hpp"

namespace millrace::handlers {

namespace {

namespace json = boost::json;

constexpr std::string_view opening = "${";
constexpr std::string_view json_prefix = "json:";
constexpr std::string_view result_prefix = "result:";
constexpr std::string_view field_prefix = "field:";
constexpr std::string_view environment_prefix = "env:";

/// A placeholder for an error message.
std::string shown(std::string_view name) {
  constexpr std::size_t shown_max = 60;
  return "`${" + std::string{name.substr(0, shown_max)} + (name.size() > shown_max ? "..." : "") + "}`";
}

/// RFC 6901: empty, or `/` before each name, in which `~` is `~0` and `/` is `~1`.
bool is_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

/// A text as JSON, parsed once, when the first placeholder needs it.
class json_text {
 public:
  /// Null, with a `problem`: it has no values, or not this one. `name` says what it is: `the body`.
  const json::value* find(std::string_view text, std::string_view name, const std::string& pointer) {
    if (!parsed_ && problem_.empty()) parse(text, name);
    if (!parsed_) return nullptr;
    boost::system::error_code failure;
    return parsed_->find_pointer(pointer, failure);
  }
  [[nodiscard]] bool is_json() const noexcept { return parsed_.has_value(); }
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  void parse(std::string_view text, std::string_view name) {
    if (text.size() > job_template::parsed_bytes_max) {
      problem_ = std::string{name} + " is longer than " + write_size(job_template::parsed_bytes_max) +
                 ", so it is not read as JSON";
      return;
    }
    json::parse_options limits;
    limits.max_depth = job_template::json_depth_max;
    boost::system::error_code failure;
    auto parsed = json::parse(text, failure, {}, limits);
    if (failure)
      problem_ = std::string{name} + " is no JSON: " + failure.message();
    else
      parsed_ = std::move(parsed);
  }

  std::optional<json::value> parsed_;
  std::string problem_;
};

}  // namespace

// --- filling ---------------------------------------------------------------------------------------------------------

/// Fills in one job.
class job_template::filling {
 public:
  explicit filling(const job& work)
      : work_{work}, content_{work.steps != nullptr ? work.steps->content.view() : work.content.view()} {}

  result<std::string> text_for(const std::string& text) { return text; }

  result<std::string> text_for(fact wanted) {
    switch (wanted) {
      case fact::body:
        return whole(content_);
      case fact::result:
        return whole(work_.content.view());
      case fact::id:
        return std::to_string(work_.id.value());
      case fact::queue:
        return std::string{work_.queue};
      case fact::attempt:
        return std::to_string(work_.attempt);
      case fact::round:
        return std::to_string(steps().round);
      case fact::rounds_left:
        return std::to_string(steps().rounds - steps().round + 1);
      case fact::elapsed:
        break;
    }
    return write_duration(std::chrono::floor<milliseconds>(steps().elapsed));
  }

  result<std::string> text_for(const json_value& wanted) {
    const std::string_view name = wanted.of_result ? "the result" : "the body";
    json_text& text = wanted.of_result ? result_ : body_;
    const auto* const found = text.find(wanted.of_result ? work_.content.view() : content_, name, wanted.pointer);
    if (found != nullptr) return text_of_json(*found);
    if (wanted.has_fallback) return wanted.fallback;
    const auto prefix = std::string{wanted.of_result ? result_prefix : json_prefix};
    return rejected(shown(prefix + wanted.pointer) + ": " +
                    (text.is_json() ? std::string{name} + " has no such value" : text.problem()));
  }

  result<std::string> text_for(const field& wanted) {
    const std::string name = shown(std::string{field_prefix} + std::to_string(wanted.number));
    if (content_.size() > parsed_bytes_max)
      return rejected(name + ": the body is longer than " + write_size(parsed_bytes_max) +
                      ", so it is not split into fields");
    std::string_view left = content_;
    std::uint32_t number = 0;
    for (;;) {
      left.remove_prefix(std::min(left.find_first_not_of(blanks), left.size()));
      if (left.empty()) break;
      const std::string_view found = left.substr(0, left.find_first_of(blanks));
      if (++number == wanted.number) return std::string{found};
      left.remove_prefix(found.size());
    }
    return rejected(name + ": the body has " + std::to_string(number) + (number == 1 ? " field" : " fields"));
  }

  static error too_long() { return rejected("the text for this job is longer than " + write_size(filled_bytes_max)); }

 private:
  static result<std::string> whole(std::string_view text) {
    if (text.size() > filled_bytes_max) return too_long();
    return std::string{text};
  }

  /// A job without steps is in the only round of one step.
  [[nodiscard]] const step_facts& steps() const {
    static const step_facts only{};
    return work_.steps != nullptr ? *work_.steps : only;
  }

  const job& work_;
  std::string_view content_;
  json_text body_;
  json_text result_;
};

result<std::string> job_template::fill(const job& work) const { return fill(work, nullptr); }

result<std::string> job_template::fill(const job& work, std::string (*encode)(std::string_view)) const {
  filling values{work};
  std::string text;
  for (const part& each : parts_) {
    auto value = std::visit([&values](const auto& wanted) { return values.text_for(wanted); }, each);
    if (!value) return value;
    if (encode != nullptr && &each != parts_.data() && !std::holds_alternative<std::string>(each))
      *value = encode(*value);
    if (text.size() + value->size() > filled_bytes_max) return filling::too_long();
    text += *value;
  }
  return text;
}

bool job_template::is_constant() const noexcept {
  for (const part& each : parts_) {
    if (!std::holds_alternative<std::string>(each)) return false;
  }
  return true;
}

bool job_template::needs_body_only() const noexcept {
  for (const part& each : parts_) {
    const auto* const wanted = std::get_if<fact>(&each);
    if (wanted != nullptr && *wanted != fact::body) return false;
    const auto* const value = std::get_if<json_value>(&each);
    if (value != nullptr && value->of_result) return false;
  }
  return true;
}

// --- parsing ---------------------------------------------------------------------------------------------------------

result<job_template> job_template::parse(std::string_view text) {
  if (text.size() > filled_bytes_max) return invalid("is longer than " + write_size(filled_bytes_max));
  job_template made;
  made.source_ = text;
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) made.parts_.emplace_back(std::exchange(plain, {}));
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t found = text.find(opening, at);
    plain += text.substr(at, found - at);
    if (found == std::string_view::npos) break;
    if (found > at && text[found - 1] == '$') {  // `$${`
      plain += '{';
      at = found + opening.size();
      continue;
    }
    const std::string position = "at character " + std::to_string(found + 1) + ": ";
    const std::size_t end = text.find('}', found);
    if (end == std::string_view::npos) return invalid(position + "`${` has no `}`; write `$${` for the text `${`");
    auto value = parse_placeholder(text.substr(found + opening.size(), end - found - opening.size()));
    if (!value) return error{value.error().code, position + value.error().text};
    if (const auto* const constant = std::get_if<std::string>(&*value)) {
      plain += *constant;
    } else {
      end_plain();
      made.parts_.push_back(std::move(*value));
    }
    at = end + 1;
  }
  end_plain();
  return made;
}

result<job_template::part> job_template::parse_placeholder(std::string_view name) {
  if (name == "body") return part{fact::body};
  if (name == "id") return part{fact::id};
  if (name == "queue") return part{fact::queue};
  if (name == "attempt") return part{fact::attempt};
  if (name == "result") return part{fact::result};
  if (name == "n") return part{fact::round};
  if (name == "left") return part{fact::rounds_left};
  if (name == "elapsed") return part{fact::elapsed};
  if (name.starts_with(json_prefix)) return parse_json_value(name, json_prefix);
  if (name.starts_with(result_prefix)) return parse_json_value(name, result_prefix);
  if (name.starts_with(field_prefix)) {
    const std::string_view digits = name.substr(field_prefix.size());
    std::uint32_t number = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure == std::errc{} && end == digits.data() + digits.size() && number >= 1 && number <= field_max)
      return part{field{number}};
    return invalid(shown(name) + ": the number of a field is from 1 to " + std::to_string(field_max));
  }
  if (name.starts_with(environment_prefix)) {
    const std::string variable{name.substr(environment_prefix.size())};
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
    const char* const value = variable.empty() ? nullptr : std::getenv(variable.c_str());
    if (value != nullptr) return part{std::string{value}};
    return error{errc::not_found, shown(name) + ": the environment does not define this variable"};
  }
  return invalid(shown(name) + " is unknown");
}

result<job_template::part> job_template::parse_json_value(std::string_view name, std::string_view prefix) {
  const std::string_view value = name.substr(prefix.size());
  const std::size_t bar = value.find('|');
  json_value wanted{std::string{value.substr(0, bar)}, {}, bar != std::string_view::npos, prefix == result_prefix};
  if (wanted.has_fallback) wanted.fallback = value.substr(bar + 1);
  if (is_pointer(wanted.pointer)) return part{std::move(wanted)};
  return invalid(shown(name) + " has no JSON Pointer, which is like `/name` or `/list/0`");
}

}  // namespace millrace::handlers
