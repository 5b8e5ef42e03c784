#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <millrace/base/time.hpp>

#include "base/base64.hpp"
#include "engine/command.hpp"

namespace millrace::store {

/// The members of one line. The first that is missing or means nothing is noted, and found at the end.
class dump_members {
 public:
  explicit dump_members(const boost::json::object& object) : object_{object} {}

  template <class Number>
  Number number(const char* name) {
    const auto* const member = object_.if_contains(name);
    boost::json::error_code wrong;
    const auto value = member != nullptr ? member->to_number<Number>(wrong) : Number{};
    if (member == nullptr || wrong) note(name);
    return value;
  }
  std::int64_t at_least_zero(const char* name) {
    const auto value = number<std::int64_t>(name);
    if (value < 0) note(name);
    return value;
  }
  std::string text(const std::string& name) {
    if (const auto* const plain = object_.if_contains(name); plain != nullptr && plain->is_string()) {
      return {plain->get_string().data(), plain->get_string().size()};
    }
    const auto* const coded = object_.if_contains(name + "_base64");
    if (coded != nullptr && coded->is_string()) {
      if (auto bytes = from_base64({coded->get_string().data(), coded->get_string().size()})) return std::move(*bytes);
    }
    note(name);
    return {};
  }
  std::int64_t at_least_zero_if_any(const char* name) { return has(name) ? at_least_zero(name) : 0; }
  /// Its default if it is absent.
  template <class Number>
  Number number_if_any(const char* name, Number absent = {}) {
    return has(name) ? number<Number>(name) : absent;
  }
  bool flag_if_any(const char* name) {
    const auto* const member = object_.if_contains(name);
    if (member != nullptr && !member->is_bool()) note(name);
    return member != nullptr && member->is_bool() && member->get_bool();
  }
  std::string text_if_any(const std::string& name) {
    return has(name.c_str()) || has((name + "_base64").c_str()) ? text(name) : std::string{};
  }
  /// A time of the wall clock; `absent` if it is not there.
  instant time_if_any(const char* name, instant absent) {
    return has(name) ? instant{duration{number<std::int64_t>(name)}} : absent;
  }
  /// The index of the text among `words`.
  template <class Value, class Words>
  Value word(const std::string& name, const Words& words) {
    const auto found = text(name);
    for (std::size_t n = 0; n < words.size(); ++n) {
      if (found == words[n]) return static_cast<Value>(n);
    }
    note(name);
    return {};
  }
  /// The value whose name the text is, of an enumeration with `count` of them.
  template <class Value>
  Value named(const std::string& name, std::size_t count) {
    const auto found = text(name);
    for (std::size_t n = 0; n < count; ++n) {
      if (found == engine::name_of(static_cast<Value>(n))) return static_cast<Value>(n);
    }
    note(name);
    return {};
  }
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }
  void note(const std::string& name) {
    if (wrong_.empty()) wrong_ = name;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const boost::json::object& object_;
  std::string wrong_;
};

}  // namespace millrace::store
