#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <millrace/base/option_text.hpp>
#include <millrace/base/options_of.hpp>

/// Tables of options, for their owners: the class is in options_of.hpp.
namespace millrace {

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
