#include <array>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "tools/control_command.hpp"
#include "tools/json_text.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

std::string trace_text(const json::object& trace) {
  const auto state = text_of(trace, "state");
  if (state == "none") return "there was no trace\n";
  auto text = state + ", into " + text_of(trace, "file") + ": " + text_of(trace, "bytes") + " of " +
              text_of(trace, "bytes_max") + " bytes";
  if (const auto left_out = text_of(trace, "left_out"); left_out != "0") text += "; " + left_out + " events left out";
  return text + '\n';
}

void no_words(CLI::App&, control_options&) {}

void start_words(CLI::App& app, control_options& given) {
  app.add_option("FILE", given.name, "a file of the daemon's machine; must not exist")->required();
  app.add_option("--limit", given.text, "end the trace at this size (default: 128MiB)")->type_name("SIZE");
}

exit_code start(const control_client& daemon, const control_options& given) {
  json::object body{{"action", "start"}, {"file", std::filesystem::absolute(given.name).string()}};
  if (!given.text.empty()) body["limit"] = given.text;
  return show(daemon.post("/v1/trace", body), given, trace_text);
}

exit_code stop(const control_client& daemon, const control_options& given) {
  return show(daemon.post("/v1/trace", json::object{{"action", "stop"}}), given, trace_text);
}

exit_code state(const control_client& daemon, const control_options& given) {
  return show(daemon.get("/v1/trace"), given, trace_text);
}

constexpr std::array commands{
    control_command{"trace start", "millrace trace start FILE: records what tasks and jobs do, until it is stopped.",
                    start_words, start},
    control_command{"trace stop", "millrace trace stop: ends the trace; its file is complete then.", no_words, stop},
    control_command{"trace state", "millrace trace: the trace that the daemon records, or the last one.", no_words,
                    state},
};

}  // namespace

std::span<const control_command> trace_commands() noexcept { return commands; }

}  // namespace millrace::tools
