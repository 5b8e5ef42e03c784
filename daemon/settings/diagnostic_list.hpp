#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/diagnostic.hpp"

namespace millrace::settings {

/// A position in a file, counted from 1. Zero: the whole file.
struct position {
  int line{0};
  int column{0};
};

/// Collects the diagnostics of one file, up to `diagnostics_max`. Further ones are only counted.
class diagnostic_list {
 public:
  static constexpr std::size_t diagnostics_max = 200;

  /// Longer keys and texts are cut. Control characters become spaces, so that a diagnostic is one line.
  static constexpr std::size_t key_bytes_max = 200;
  static constexpr std::size_t text_bytes_max = 500;

  explicit diagnostic_list(std::string file) : file_{std::move(file)} {}

  void error(position start, const std::string& key, const std::string& problem, const std::string& expected = {});
  void warning(position start, const std::string& key, const std::string& problem, const std::string& expected = {});
  /// Further diagnostics are only counted, so callers need not search for similar words.
  [[nodiscard]] bool full() const noexcept { return list_.size() >= diagnostics_max; }
  [[nodiscard]] bool has_errors() const noexcept { return errors_ > 0; }
  /// In the order of the file. The last one tells how many were left out, if any were.
  [[nodiscard]] std::vector<diagnostic> take();

 private:
  void add(diagnostic::severity level, position start, const std::string& key, const std::string& problem,
           const std::string& expected);

  std::string file_;
  std::vector<diagnostic> list_;
  std::size_t left_out_{0};
  std::size_t errors_{0};
};

/// The text, or if it is longer than `bytes_max`, its first whole characters and `…`.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t bytes_max);

/// `prefix.key`, or `key` at the top.
[[nodiscard]] std::string path_of(std::string_view prefix, std::string_view key);
/// All keys, from the top: `consumers.primality.timeout`.
[[nodiscard]] std::string path_of(std::span<const std::string> keys);

}  // namespace millrace::settings
