#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace millrace::settings {

/// A text that is built line by line, indented by two spaces for each level. Used as a local variable.
class indented_text {
 public:
  /// Indents lines by one more level during its lifetime.
  class level {
   public:
    explicit level(indented_text& text) : text_{text} { text_.margin_.append("  "); }
    ~level() { text_.margin_.resize(text_.margin_.size() - 2); }
    level(const level&) = delete;
    level& operator=(const level&) = delete;

   private:
    indented_text& text_;
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
