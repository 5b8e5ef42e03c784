#include <array>
#include <charconv>

#include "wire/beanstalk_reply.hpp"
#include "wire/yaml_scalar.hpp"

namespace millrace::wire {

namespace {

void append_number(std::string& to, std::uint64_t value) {
  std::array<char, 20> digits;
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

}  // namespace

beanstalk_yaml::beanstalk_yaml() : text_{"---\n"} {}

void beanstalk_yaml::add(std::string_view key, std::uint64_t value) {
  text_.append(key).append(": ");
  append_number(text_, value);
  text_ += '\n';
}

void beanstalk_yaml::add_bare(std::string_view key, std::string_view value) {
  text_.append(key).append(": ").append(value) += '\n';
}

void beanstalk_yaml::add_text(std::string_view key, std::string_view value) {
  text_.append(key).append(": ");
  append_yaml_string(text_, value);
  text_ += '\n';
}

void beanstalk_yaml::add_seconds(std::string_view key, std::uint64_t microseconds) {
  text_.append(key).append(": ");
  append_number(text_, microseconds / 1'000'000);
  // A leading 1 keeps the zeros behind the point; it is overwritten by the point itself.
  const std::size_t point = text_.size();
  append_number(text_, 1'000'000 + microseconds % 1'000'000);
  text_[point] = '.';
  text_ += '\n';
}

void beanstalk_yaml::add_item(std::string_view name) {
  text_ += "- ";
  append_yaml_string(text_, name);
  text_ += '\n';
}

}  // namespace millrace::wire
