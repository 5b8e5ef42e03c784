#include "settings_support.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "handlers/catalogue.hpp"
#include "sources/catalogue.hpp"

namespace millrace::settings {

namespace {

struct drip_options {
  std::uint32_t drops{3};
  std::optional<std::string> from;
  bool wet{true};
};

struct mill_options {
  duration step{milliseconds{5}};
  std::vector<std::string> corn{"rye", "oat"};
};

const options_of<drip_options>& drip_table() {
  static const auto table = options_of<drip_options>{}
                                .count("drops", &drip_options::drops, {.least = 1, .most = 1'000}, "number of drops")
                                .text("from", &drip_options::from, "origin of the drops")
                                .example("roof")
                                .flag("wet", &drip_options::wet, "drops are wet");
  return table;
}

const options_of<mill_options>& mill_table() {
  static const auto table = options_of<mill_options>{}
                                .duration("step", &mill_options::step, {.least = microseconds{1}}, "duration of a turn")
                                .text_list("corn", &mill_options::corn, "kinds of corn");
  return table;
}

const options_of<no_options>& empty_table() {
  static const options_of<no_options> table;
  return table;
}

result<std::unique_ptr<sources::source>> refuse_source(const void*, const sources::source_context&) {
  return invalid("this kind is for tests only");
}

result<handlers::handler> refuse_handler(const void*, const handlers::handler_context&) {
  return invalid("this kind is for tests only");
}

}  // namespace

const vocabulary& builtin_vocabulary() {
  static const auto* all = [] {
    auto* handlers_known = new handlers::registry;
    auto* sources_known = new sources::registry;
    handlers::add_all(*handlers_known);
    sources::add_all(*sources_known);
    return new vocabulary{*handlers_known, *sources_known};
  }();
  return *all;
}

const vocabulary& test_vocabulary() {
  static const auto* all = [] {
    auto* handlers_known = new handlers::registry;
    auto* sources_known = new sources::registry;
    sources_known->add({"drip", "drops, one by one", &drip_table(), refuse_source});
    handlers_known->add({"cup", "takes drops", &empty_table(), false, refuse_handler});
    handlers_known->add({"mill", "grinds", &mill_table(), true, refuse_handler});
    return new vocabulary{*handlers_known, *sources_known};
  }();
  return *all;
}

std::string text_of(const std::vector<diagnostic>& diagnostics) {
  std::string out;
  for (diagnostic found : diagnostics) {
    found.file = std::filesystem::path{found.file}.filename();
    out += found.text() + "\n";
  }
  return out;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, const std::string& extension) {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() == extension) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace millrace::settings
