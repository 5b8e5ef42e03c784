#pragma once

#include <cassert>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/base/options_of.hpp>

/// The options of `options_of` that are texts, words and lists. Include option.hpp, which has them all.
namespace millrace {

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
template <class M, class Value>
options_of<Owner>& options_of<Owner>::parsed(std::string key, M Owner::*member, std::string reason,
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
    const M& value = static_cast<const Owner*>(owner)->*member;
    if constexpr (std::is_same_v<M, Value>)
      return write(value);
    else
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

}  // namespace millrace
