#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace millrace::settings {

/// Text made line by line, two blanks deeper inside each part. A function's local.
class indented {
 public:
  /// Lines are deeper as long as it lives.
  class level {
   public:
    explicit level(indented& of) : of_{of} { of_.margin_.append("  "); }
    ~level() { of_.margin_.resize(of_.margin_.size() - 2); }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    indented& of_;
  };

  void line(std::string_view text) { text_.append(margin_).append(text).append("\n"); }
  void empty_line() { text_ += '\n'; }
  [[nodiscard]] level deeper() { return level{*this}; }
  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] std::size_t depth() const noexcept { return margin_.size() / 2; }

 private:
  std::string text_;
  std::string margin_;
};

}  // namespace millrace::settings
