#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/hex.hpp"

/// What the writer and the reader of a dump share.
namespace millrace::store {

/// States, in the order of engine::job_state.
inline constexpr std::array<const char*, 4> dump_words{"ready", "reserved", "delayed", "buried"};

/// In the order of their enumerations.
inline constexpr std::array<const char*, 3> group_state_words{"open", "closed", "ended"};
inline constexpr std::array<const char*, 3> group_end_words{"all", "first", "first_failure"};
inline constexpr std::array<const char*, 2> remaining_words{"keep", "cancel"};

/// Counts and hashes the lines of a dump, for its last line.
class dump_seal {
 public:
  void add(std::string_view line) {
    ++lines_;
    digest_.add(line);
    digest_.add("\n");
  }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] std::string hex() const {
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += hex_digits[(digest_.value() >> shift) & 15];
    return text;
  }

 private:
  digest digest_;
  std::uint64_t lines_{0};
};

}  // namespace millrace::store
