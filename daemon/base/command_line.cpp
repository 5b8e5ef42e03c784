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
  if (words.size() == 1 && words[0] == list_options) return command_line_end{reason::help, option_list(app)};
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

std::string option_list(const CLI::App& app) {
  std::string lines;
  const auto add = [&lines](const std::string& name, const std::string& value, const std::string& meaning) {
    lines += name + " " + (value.empty() ? "-" : value) + " " + meaning + "\n";
  };
  for (const auto* option : app.get_options()) {
    const bool takes_value = option->get_expected_max() > 0;
    const auto value = takes_value ? option->get_type_name() : std::string{};
    if (option->get_positional()) add("-", option->get_single_name(), option->get_description());
    for (const auto& name : option->get_snames()) add("-" + name, value, option->get_description());
    for (const auto& name : option->get_lnames()) add("--" + name, value, option->get_description());
  }
  return lines;
}

std::string refusal_text(std::string_view program, std::string_view wrong) {
  std::string text{program};
  text.append(": ").append(wrong).append("\n").append(program);
  return text + " --help shows what can be given.\n";
}

}  // namespace millrace
