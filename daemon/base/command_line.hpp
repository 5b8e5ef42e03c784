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
  enum class reason { help, refusal } cause{reason::refusal};
  std::string text;
};

/// Parses the words after the name of a program or tool into the variables of `app`. Nothing: the words are valid. The
/// refusal of an unknown option names the nearest option; that of any other surplus word contains `hint`. The only word
/// `list_options` asks for `option_list`, which is then the text of the help.
[[nodiscard]] std::optional<command_line_end> parse_command_line(CLI::App& app, const std::vector<std::string>& words,
                                                                 std::string_view hint);

/// What a shell passes to a program or a tool to complete a command line (deploy/completions).
inline constexpr std::string_view list_options = "--list-options";

/// One line for each option of `app`: its name, the name of its value, and its meaning, with a blank between them. `-`
/// stands for the name of a word without an option, and for the value of an option that takes none.
[[nodiscard]] std::string option_list(const CLI::App& app);

/// The text of a refusal: the name of the program, what is wrong, and where help is.
[[nodiscard]] std::string refusal_text(std::string_view program, std::string_view wrong);

}  // namespace millrace
