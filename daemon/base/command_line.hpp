#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace millrace {

/// Why a program ends instead of running, and the text that it prints: help for standard output, or a refusal for
/// standard error.
struct command_line_end {
  enum class reason { help, refusal } why{reason::refusal};
  std::string text;
};

/// Parses the words after the name of a program or tool into the variables of `app`. Nothing: the words are valid. The
/// refusal of an unknown option names the nearest option; that of any other surplus word contains `hint`.
[[nodiscard]] std::optional<command_line_end> parse_command_line(CLI::App& app, const std::vector<std::string>& words,
                                                                 std::string_view hint);

/// The text of a refusal: the name of the program, what is wrong, and where help is.
[[nodiscard]] std::string refusal_text(std::string_view program, std::string_view wrong);

}  // namespace millrace
