#include <algorithm>

#include "settings/encoding.hpp"
#include "settings/indented.hpp"
#include "settings/print.hpp"

namespace millrace::settings {

namespace {

/// Whether the keys of a part are active or commented out with `#`.
enum class key_style { active, commented };

std::string fallback(const option& declared) {
  switch (declared.kind) {
    case option_kind::flag:
      return "true";
    case option_kind::size:
      return "1MiB";
    case option_kind::time:
      return "1s";
    case option_kind::choice:
      return declared.choices.front();
    case option_kind::text:
      return "text";
    case option_kind::text_list:
      return "[text]";
    default:
      return "1";
  }
}

/// The default of an option and `true`, or, without a default, an example and `false`.
std::pair<std::string, bool> value_of(const option& declared, const void* defaults) {
  std::optional<std::string> value;
  if (declared.kind == option_kind::text_list) {
    std::string items;
    for (const std::string& item : declared.print_list(defaults))
      items += (items.empty() ? "" : ", ") + write_scalar(item);
    if (!items.empty() || !declared.required) value = "[" + items + "]";
  } else {
    value = declared.print(defaults);
    if (value && declared.kind == option_kind::text) value = write_scalar(*value);
  }
  if (value && !declared.required) return {*value, true};
  return {declared.example.empty() ? fallback(declared) : declared.example, false};
}

/// The comment of an option. `is_default`: the value below it is the default; else it is an example.
std::string describe(const option& declared, bool is_default) {
  const std::string reason = as_sentence(declared.reason);
  if (declared.kind == option_kind::section) return reason;
  return reason + " (" + declared.expected + (is_default || declared.required ? ")" : "; not set by default)");
}

class example {
 public:
  explicit example(const vocabulary& vocabulary) : vocabulary_{vocabulary} {}

  std::string write() {
    out_.line("# yaml-language-server: $schema=millrace.schema.json");
    out_.line("#");
    out_.line("# All keys of a settings file, each with its purpose, its allowed values and its default.");
    out_.line("# A key without a default has an example value.");
    out_.line("# A line with a # and no space after it is a key: remove the # to set it.");
    write_section("daemon", daemon_option_table(), "The daemon as a whole.");
    write_section("queue_defaults", engine::queue_option_table(), "The values of keys that a queue does not set.");
    write_queues();
    write_kinds("producers", "kind",
                "Producers put jobs into a queue. Each has a name, a kind, the keys of the first example, and the keys "
                "of its kind.",
                vocabulary_.sources, workload::producer_option_table());
    write_kinds("consumers", "handler",
                "Consumers take jobs from queues and handle them. Each has a name, a handler, the keys of the first "
                "example, and the keys of its handler.",
                vocabulary_.handlers, workload::consumer_option_table());
    write_steps();
    return out_.take();
  }

 private:
  void write_section(const std::string& key, const option_table& table, std::string_view purpose) {
    out_.empty_line();
    comment(purpose);
    out_.line(key + ":");
    const auto inner = out_.deeper();
    write_options(table, table.make().get(), key_style::active);
  }

  void write_queues() {
    out_.empty_line();
    comment("The queues. Each has a name and the keys of queue_defaults.");
    commented("queues:");
    const auto inner = out_.deeper();
    for (const char* name : {"numbers", "verdicts", "rejected"}) commented(std::string{name} + ": {}");
  }

  template <class Registry>
  void write_kinds(const std::string& key, const std::string& kind_key, std::string_view purpose,
                   const Registry& registry, const option_table& common) {
    out_.empty_line();
    comment(purpose);
    commented(key + ":");
    const auto inner = out_.deeper();
    bool first = true;
    for (const std::string& name : registry.names()) {
      const auto* kind = registry.find(name);
      comment(as_sentence(kind->summary));
      commented(name + "_example:");
      const auto deeper = out_.deeper();
      commented(kind_key + ": " + name);
      write_options(common, common.make().get(), key_style::commented, !std::exchange(first, false));
      write_options(*kind->options, kind->options->make().get(), key_style::commented);
    }
  }

  /// Behind the consumers.
  void write_steps() {
    if (vocabulary_.handlers.find("sleep") == nullptr || vocabulary_.handlers.find("print") == nullptr) return;
    const auto inner = out_.deeper();
    comment("Steps in place of a handler: handlers that are done one after another for one job.");
    commented("steps_example:");
    const auto consumer = out_.deeper();
    commented("queue: numbers");
    commented("steps:");
    const auto list = out_.deeper();
    commented("- { handler: sleep, length: 1s }");
    commented("- { handler: print, text: \"${n}: ${body}\" }");
  }

  void write_options(const option_table& table, const void* defaults, key_style style, bool required_only = false) {
    for (const option& declared : table.options()) {
      if (!declared.planned.empty() || (required_only && !declared.required)) continue;
      const bool is_section = declared.kind == option_kind::section;
      const auto [value, is_default] = is_section ? std::pair{std::string{}, true} : value_of(declared, defaults);
      if (!required_only) comment(describe(declared, is_default));
      if (is_section) {
        const void* const section = declared.view_section(defaults);
        const key_style inner_style = section == nullptr ? key_style::commented : style;
        inner_style == key_style::active ? out_.line(declared.key + ":") : commented(declared.key + ":");
        const auto inner = out_.deeper();
        write_options(*declared.section, section != nullptr ? section : declared.section->make().get(), inner_style);
        continue;
      }
      if (style == key_style::active && is_default)
        out_.line(declared.key + ": " + value);
      else
        commented(declared.key + ": " + value);
    }
  }

  void commented(const std::string& text) { out_.line("#" + text); }

  void comment(std::string_view text) {
    constexpr std::size_t line_bytes_max = 110;
    while (!text.empty()) {
      std::size_t end = text.size();
      if (end > line_bytes_max) {
        end = text.rfind(' ', line_bytes_max);
        if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
      }
      out_.line("# " + std::string{text.substr(0, end)});
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  const vocabulary& vocabulary_;
  indented_text out_;
};

}  // namespace

std::string print_example(const vocabulary& vocabulary) { return example{vocabulary}.write(); }

}  // namespace millrace::settings
