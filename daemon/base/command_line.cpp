#include "base/command_line.hpp"

#include <CLI/CLI.hpp>

#include "base/nearest.hpp"

namespace millrace {

namespace {

std::string unknown_word(const CLI::App& app, const std::string& word, std::string_view hint) {
  if (word.empty() || word.front() != '-') return "'" + word + "' is not understood (" + std::string{hint} + ")";
  std::vector<std::string> known;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string meant = nearest(word.substr(0, word.find('=')), known);
  return "unknown option " + word + (meant.empty() ? "" : ", did you mean " + meant + "?");
}

}  // namespace

std::optional<command_line_end> parse_command_line(CLI::App& app, const std::vector<std::string>& words,
                                                   std::string_view hint) {
  using reason = command_line_end::reason;
  app.allow_extras();
  try {
    app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
  } catch (const CLI::CallForHelp&) {
    return command_line_end{reason::help, app.help()};
  } catch (const CLI::ParseError& wrong) {
    return command_line_end{reason::refusal, refusal_text(app.get_name(), wrong.what())};
  }
  const auto extra = app.remaining();
  if (extra.empty()) return std::nullopt;
  return command_line_end{reason::refusal, refusal_text(app.get_name(), unknown_word(app, extra.front(), hint))};
}

std::string refusal_text(std::string_view program, std::string_view wrong) {
  std::string text{program};
  text.append(": ").append(wrong).append("\n").append(program);
  return text + " --help shows what can be given.\n";
}

}  // namespace millrace
