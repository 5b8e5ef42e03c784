#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/complaint.hpp"

namespace millrace::settings {

/// From 1; zero: nowhere in the file.
struct position {
  int line{0};
  int column{0};
};

/// Collects what is wrong with one file, up to `complaints_max`; beyond that it only counts.
class complaint_list {
 public:
  static constexpr std::size_t complaints_max = 200;

  /// Longer keys and sentences are cut, and control characters become blanks: a complaint is one line.
  static constexpr std::size_t key_bytes_max = 200;
  static constexpr std::size_t sentence_bytes_max = 500;

  explicit complaint_list(std::string file) : file_{std::move(file)} {}

  void error(position at, const std::string& key, const std::string& wrong, const std::string& expected = {});
  void warning(position at, const std::string& key, const std::string& wrong, const std::string& expected = {});
  /// Nothing that is added is kept any more; nearest words need not be looked for.
  [[nodiscard]] bool full() const noexcept { return list_.size() >= complaints_max; }
  [[nodiscard]] bool has_errors() const noexcept { return errors_ > 0; }
  /// In the order of the file, and at last how many were left out.
  [[nodiscard]] std::vector<complaint> take();

 private:
  void add(complaint::severity how, position at, const std::string& key, const std::string& wrong,
           const std::string& expected);

  std::string file_;
  std::vector<complaint> list_;
  std::size_t left_out_{0};
  std::size_t errors_{0};
};

/// At most so many bytes of it, cut between characters and marked.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t bytes_max);

/// `prefix.key`, or `key` at the top.
[[nodiscard]] std::string path_of(std::string_view prefix, std::string_view key);

}  // namespace millrace::settings
