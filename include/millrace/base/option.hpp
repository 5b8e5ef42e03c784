#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/base/option_detail.hpp>
#include <millrace/base/option_table.hpp>
#include <millrace/base/quantity.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace {

/// The options of a component that has none.
struct no_options {};

/// Builds the table of `Owner`, whose members' initializers are the defaults:
///
///     static const auto table = options_of<prime_options>{}
///     .choice("method", &prime_options::how, {{"fast", method::fast}, {"trial", method::trial}}, "how it is proven")
///     .count("bits_max", &prime_options::bits_max, {.least = 1, .most = 1u << 20}, "longest number tested, in bits");
///
/// A member may be `std::optional<T>`; then no value is the default. Ranges include both ends. They are checked when an
/// option is read, and the default is asserted to lie in them. `required()` and `example()` change the option added
/// last.
template <class Owner>
class options_of : public option_table {
 public:
  template <class T>
  struct range {
    std::optional<T> least{};
    std::optional<T> most{};
  };

  options_of();

  options_of& flag(std::string key, bool Owner::*member, std::string reason);
  template <class M>
  options_of& count(std::string key, M Owner::*member, range<std::uint64_t> allowed, std::string reason);
  template <class M>
  options_of& size(std::string key, M Owner::*member, range<std::uint64_t> allowed, std::string reason);
  template <class M>
  options_of& duration(std::string key, M Owner::*member, range<millrace::duration> allowed, std::string reason);
  template <class M>
  options_of& rate(std::string key, M Owner::*member, range<double> allowed, std::string reason);
  template <class M>
  options_of& real(std::string key, M Owner::*member, range<double> allowed, std::string reason);
  /// `check` may refuse a text. Its error says what is wrong with it.
  template <class M>
  options_of& text(std::string key, M Owner::*member, std::string reason,
                   std::function<result<>(std::string_view)> check = {}, std::string expected = "text");
  /// A text that is kept as a parsed value. An error of `parse` says what is wrong; `write` is the inverse.
  template <class Value>
  options_of& parsed(std::string key, Value Owner::*member, std::string reason,
                     result<Value> (*parse)(std::string_view), std::string (*write)(const Value&),
                     std::string expected);
  /// The same, where no value is the default.
  template <class Value>
  options_of& parsed(std::string key, std::optional<Value> Owner::*member, std::string reason,
                     result<Value> (*parse)(std::string_view), std::string (*write)(const Value&),
                     std::string expected);
  template <class M, class E = option_detail::held_t<M>>
  options_of& choice(std::string key, M Owner::*member, std::vector<std::pair<std::string, E>> values,
                     std::string reason);
  /// A single item may be written without brackets.
  options_of& text_list(std::string key, std::vector<std::string> Owner::*member, std::string reason,
                        std::function<result<>(std::string_view)> check = {}, std::string expected = "a list of texts");
  /// A list of such texts.
  template <class Value>
  options_of& parsed_list(std::string key, std::vector<Value> Owner::*member, std::string reason,
                          std::type_identity_t<std::function<result<Value>(std::string_view)>> parse,
                          std::type_identity_t<std::string (*)(Value)> write, std::string expected);
  /// The options of a part, nested under `key`. An optional part has a value if the key is given. Requires: `inner`
  /// outlives this table (make it static).
  template <class M>
  options_of& section(std::string key, M Owner::*member, const options_of<option_detail::held_t<M>>& inner,
                      std::string reason);
  /// A key of a feature that does not exist yet. Using it is an error with this sentence.
  options_of& planned(std::string key, std::string sentence);
  /// The same for one word of the choice that was added last.
  options_of& planned_choice(std::string word, std::string sentence);

  options_of& required();
  options_of& example(std::string text);

 private:
  option& add(option_kind kind, std::string key, std::string reason);
  template <class M, class T>
  options_of& quantity(option& added, M Owner::*member, range<T> allowed, result<T> (*parse)(std::string_view),
                       std::string (*write)(T));
};

template <class Owner>
options_of<Owner>::options_of() {
  make_ = [] { return std::shared_ptr<void>{std::make_shared<Owner>()}; };
}

template <class Owner>
option& options_of<Owner>::add(option_kind kind, std::string key, std::string reason) {
  assert(find(key) == nullptr && "an option's key is used once");
  option& added = options_.emplace_back();
  added.key = std::move(key);
  added.kind = kind;
  added.reason = std::move(reason);
  return added;
}

template <class Owner>
template <class M, class T>
options_of<Owner>& options_of<Owner>::quantity(option& added, M Owner::*member, range<T> allowed,
                                               result<T> (*parse)(std::string_view), std::string (*write)(T)) {
  using value_type = option_detail::held_t<M>;
  if constexpr (std::is_integral_v<value_type>) {
    constexpr auto top = static_cast<T>(std::numeric_limits<value_type>::max());
    if (top != std::numeric_limits<T>::max()) allowed.most = std::min(allowed.most.value_or(top), top);
  }
  const auto written = [write](const std::optional<T>& bound) {
    return bound ? std::optional{write(*bound)} : std::nullopt;
  };
  added.expected = option_detail::expected_text(added.kind, written(allowed.least), written(allowed.most));
  if (allowed.least) added.at_least = option_detail::bound_of(*allowed.least);
  if (allowed.most) added.at_most = option_detail::bound_of(*allowed.most);

  const Owner defaults{};
  if ([[maybe_unused]] const value_type* value = option_detail::look(defaults.*member)) {
    assert((!allowed.least || static_cast<T>(*value) >= *allowed.least) && "a default lies in its range");
    assert((!allowed.most || static_cast<T>(*value) <= *allowed.most) && "a default lies in its range");
  }
  added.read = [member, allowed, parse, write](void* owner, std::string_view text) -> result<> {
    const result<T> value = parse(text);
    if (!value) return value.error();
    if (allowed.least && *value < *allowed.least) return option_detail::too_low(text, write(*allowed.least));
    if (allowed.most && *value > *allowed.most) return option_detail::too_high(text, write(*allowed.most));
    static_cast<Owner*>(owner)->*member = static_cast<value_type>(*value);
    return {};
  };
  added.print = [member, write](const void* owner) -> std::optional<std::string> {
    const value_type* value = option_detail::look(static_cast<const Owner*>(owner)->*member);
    return value != nullptr ? std::optional{write(static_cast<T>(*value))} : std::nullopt;
  };
  return *this;
}

template <class Owner>
options_of<Owner>& options_of<Owner>::flag(std::string key, bool Owner::*member, std::string reason) {
  option& added = add(option_kind::flag, std::move(key), std::move(reason));
  added.expected = "true or false";
  added.read = [member](void* owner, std::string_view text) -> result<> {
    const result<bool> value = option_detail::read_flag(text);
    if (!value) return value.error();
    static_cast<Owner*>(owner)->*member = *value;
    return {};
  };
  added.print = [member](const void* owner) -> std::optional<std::string> {
    return static_cast<const Owner*>(owner)->*member ? "true" : "false";
  };
  return *this;
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::count(std::string key, M Owner::*member, range<std::uint64_t> allowed,
                                            std::string reason) {
  return quantity(add(option_kind::count, std::move(key), std::move(reason)), member, allowed, &parse_count,
                  &write_count);
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::size(std::string key, M Owner::*member, range<std::uint64_t> allowed,
                                           std::string reason) {
  return quantity(add(option_kind::size, std::move(key), std::move(reason)), member, allowed, &parse_size, &write_size);
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::duration(std::string key, M Owner::*member, range<millrace::duration> allowed,
                                               std::string reason) {
  return quantity(add(option_kind::time, std::move(key), std::move(reason)), member, allowed, &parse_duration,
                  &write_duration);
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::rate(std::string key, M Owner::*member, range<double> allowed,
                                           std::string reason) {
  return quantity(add(option_kind::rate, std::move(key), std::move(reason)), member, allowed, &parse_rate, &write_rate);
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::real(std::string key, M Owner::*member, range<double> allowed,
                                           std::string reason) {
  return quantity(add(option_kind::real, std::move(key), std::move(reason)), member, allowed, &option_detail::read_real,
                  &option_detail::write_real);
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::text(std::string key, M Owner::*member, std::string reason,
                                           std::function<result<>(std::string_view)> check, std::string expected) {
  option& added = add(option_kind::text, std::move(key), std::move(reason));
  added.expected = std::move(expected);
  added.read = [member, check = std::move(check)](void* owner, std::string_view given) -> result<> {
    if (check) {
      if (result<> checked = check(given); !checked) return checked;
    }
    static_cast<Owner*>(owner)->*member = std::string{given};
    return {};
  };
  added.print = [member](const void* owner) -> std::optional<std::string> {
    const std::string* value = option_detail::look(static_cast<const Owner*>(owner)->*member);
    return value != nullptr ? std::optional{*value} : std::nullopt;
  };
  return *this;
}

template <class Owner>
template <class Value>
options_of<Owner>& options_of<Owner>::parsed(std::string key, Value Owner::*member, std::string reason,
                                             result<Value> (*parse)(std::string_view),
                                             std::string (*write)(const Value&), std::string expected) {
  option& added = add(option_kind::text, std::move(key), std::move(reason));
  added.expected = std::move(expected);
  added.read = [member, parse](void* owner, std::string_view text) -> result<> {
    auto value = parse(text);
    if (!value) return value.error();
    static_cast<Owner*>(owner)->*member = std::move(*value);
    return {};
  };
  added.print = [member, write](const void* owner) -> std::optional<std::string> {
    return write(static_cast<const Owner*>(owner)->*member);
  };
  return *this;
}

template <class Owner>
template <class Value>
options_of<Owner>& options_of<Owner>::parsed(std::string key, std::optional<Value> Owner::*member, std::string reason,
                                             result<Value> (*parse)(std::string_view),
                                             std::string (*write)(const Value&), std::string expected) {
  option& added = add(option_kind::text, std::move(key), std::move(reason));
  added.expected = std::move(expected);
  added.read = [member, parse](void* owner, std::string_view text) -> result<> {
    auto value = parse(text);
    if (!value) return value.error();
    static_cast<Owner*>(owner)->*member = std::move(*value);
    return {};
  };
  added.print = [member, write](const void* owner) -> std::optional<std::string> {
    const auto& value = static_cast<const Owner*>(owner)->*member;
    return value ? std::optional{write(*value)} : std::nullopt;
  };
  return *this;
}

template <class Owner>
template <class M, class E>
options_of<Owner>& options_of<Owner>::choice(std::string key, M Owner::*member,
                                             std::vector<std::pair<std::string, E>> values, std::string reason) {
  option& added = add(option_kind::choice, std::move(key), std::move(reason));
  for (const auto& [word, value] : values) {
    added.expected += added.choices.empty() ? "" : ", ";
    added.expected += word;
    added.choices.push_back(word);
  }
  if (values.size() > 1) added.expected.insert(0, "one of ");
  added.read = [member, values](void* owner, std::string_view text) -> result<> {
    for (const auto& [word, value] : values) {
      if (word != text) continue;
      static_cast<Owner*>(owner)->*member = value;
      return {};
    }
    return option_detail::unknown_choice(text);
  };
  added.print = [member, values](const void* owner) -> std::optional<std::string> {
    const auto* held = option_detail::look(static_cast<const Owner*>(owner)->*member);
    if (held == nullptr) return std::nullopt;
    for (const auto& [word, value] : values) {
      if (value == *held) return word;
    }
    assert(false && "a value that no word names");
    return std::nullopt;
  };
  return *this;
}

template <class Owner>
options_of<Owner>& options_of<Owner>::text_list(std::string key, std::vector<std::string> Owner::*member,
                                                std::string reason, std::function<result<>(std::string_view)> check,
                                                std::string expected) {
  const auto parse = [check = std::move(check)](std::string_view text) -> result<std::string> {
    if (const auto checked = check ? check(text) : result<>{}; !checked) return checked.error();
    return std::string{text};
  };
  const auto write = [](std::string text) { return text; };
  return parsed_list<std::string>(std::move(key), member, std::move(reason), parse, write, std::move(expected));
}

template <class Owner>
template <class Value>
options_of<Owner>& options_of<Owner>::parsed_list(
    std::string key, std::vector<Value> Owner::*member, std::string reason,
    std::type_identity_t<std::function<result<Value>(std::string_view)>> parse,
    std::type_identity_t<std::string (*)(Value)> write, std::string expected) {
  option& added = add(option_kind::text_list, std::move(key), std::move(reason));
  added.expected = std::move(expected);
  added.read_list = [member, parse = std::move(parse)](void* owner, const std::vector<std::string>& items) -> result<> {
    std::vector<Value> values;
    for (const std::string& item : items) {
      auto value = parse(item);
      if (!value) return value.error();
      values.push_back(std::move(*value));
    }
    static_cast<Owner*>(owner)->*member = std::move(values);
    return {};
  };
  added.print_list = [member, write](const void* owner) {
    std::vector<std::string> items;
    for (const auto& value : static_cast<const Owner*>(owner)->*member) items.push_back(write(value));
    return items;
  };
  return *this;
}

template <class Owner>
template <class M>
options_of<Owner>& options_of<Owner>::section(std::string key, M Owner::*member,
                                              const options_of<option_detail::held_t<M>>& inner, std::string reason) {
  option& added = add(option_kind::section, std::move(key), std::move(reason));
  added.expected = "a map";
  added.section = &inner;
  added.open_section = [member](void* owner) -> void* {
    return option_detail::open(static_cast<Owner*>(owner)->*member);
  };
  added.view_section = [member](const void* owner) -> const void* {
    return option_detail::look(static_cast<const Owner*>(owner)->*member);
  };
  return *this;
}

template <class Owner>
// NOLINTNEXTLINE(performance-unnecessary-value-param): clang-tidy 14 does not see the move in a template
options_of<Owner>& options_of<Owner>::planned(std::string key, std::string sentence) {
  add(option_kind::text, std::move(key), {}).planned = std::move(sentence);
  return *this;
}

template <class Owner>
options_of<Owner>& options_of<Owner>::planned_choice(std::string word, std::string sentence) {
  assert(options_.back().kind == option_kind::choice);
  options_.back().planned_choices.emplace_back(std::move(word), std::move(sentence));
  return *this;
}

template <class Owner>
options_of<Owner>& options_of<Owner>::required() {
  options_.back().required = true;
  return *this;
}

template <class Owner>
// NOLINTNEXTLINE(performance-unnecessary-value-param): as above
options_of<Owner>& options_of<Owner>::example(std::string text) {
  options_.back().example = std::move(text);
  return *this;
}

}  // namespace millrace
