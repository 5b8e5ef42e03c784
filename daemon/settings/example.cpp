#include <algorithm>

#include "settings/encoding.hpp"
#include "settings/indented.hpp"
#include "settings/print.hpp"

namespace millrace::settings {

namespace {

/// Whether the keys of a part are active or commented out with `#`.
enum class keys { live, commented };

std::string fallback(const option& what) {
  switch (what.kind) {
    case option_kind::flag:
      return "true";
    case option_kind::size:
      return "1MiB";
    case option_kind::time:
      return "1s";
    case option_kind::choice:
      return what.choices.front();
    case option_kind::text:
      return "text";
    case option_kind::text_list:
      return "[text]";
    default:
      return "1";
  }
}

/// The value of the example: the default, or else the example of the option's declaration.
std::pair<std::string, bool> value_of(const option& what, const void* defaults) {
  std::optional<std::string> value;
  if (what.kind == option_kind::text_list) {
    std::string items;
    for (const std::string& item : what.print_list(defaults)) items += (items.empty() ? "" : ", ") + write_scalar(item);
    if (!items.empty() || !what.required) value = "[" + items + "]";
  } else {
    value = what.print(defaults);
    if (value && what.kind == option_kind::text) value = write_scalar(*value);
  }
  if (value && !what.required) return {*value, true};
  return {what.example.empty() ? fallback(what) : what.example, false};
}

/// `is_default`: the value that follows is what holds without the key; else it is an example.
std::string described(const option& what, bool is_default) {
  const std::string reason = as_sentence(what.reason);
  if (what.kind == option_kind::section) return reason;
  return reason + " (" + what.expected + (is_default || what.required ? ")" : "; not set by default)");
}

class example {
 public:
  explicit example(const vocabulary& words) : words_{words} {}

  std::string write() {
    out_.line("# yaml-language-server: $schema=millrace.schema.json");
    out_.line("#");
    out_.line("# Every key of a settings file: what it is for, what can stand there, and its default.");
    out_.line("# A key that is not set by default has an example.");
    out_.line("# A line that begins with # and no blank can be freed of it.");
    write_part("daemon", daemon_option_table(), "The program itself.");
    write_part("queue_defaults", engine::queue_option_table(), "What a queue has where it does not say otherwise.");
    write_queues();
    write_kinds("producers", "kind",
                "What puts jobs into a queue, by name. A producer has a kind, the keys of the first "
                "example, and those of its kind.",
                words_.sources, workload::producer_option_table());
    write_kinds("consumers", "handler",
                "What takes jobs from queues and handles them, by name. A consumer has a handler, "
                "the keys of the first example, and those of its handler.",
                words_.handlers, workload::consumer_option_table());
    return out_.take();
  }

 private:
  void write_part(const std::string& key, const option_table& table, std::string_view what) {
    out_.empty_line();
    comment(what);
    out_.line(key + ":");
    const auto inner = out_.deeper();
    write_options(table, table.make().get(), keys::live);
  }

  void write_queues() {
    out_.empty_line();
    comment("The queues, by name, with the keys of queue_defaults.");
    commented("queues:");
    const auto inner = out_.deeper();
    for (const char* name : {"numbers", "verdicts", "rejected"}) commented(std::string{name} + ": {}");
  }

  template <class Registry>
  void write_kinds(const std::string& key, const std::string& kind_key, std::string_view what, const Registry& registry,
                   const option_table& common) {
    out_.empty_line();
    comment(what);
    commented(key + ":");
    const auto inner = out_.deeper();
    bool first = true;
    for (const std::string& name : registry.names()) {
      const auto* kind = registry.find(name);
      comment(as_sentence(kind->summary));
      commented(name + "_example:");
      const auto deeper = out_.deeper();
      commented(kind_key + ": " + name);
      write_options(common, common.make().get(), keys::commented, !std::exchange(first, false));
      write_options(*kind->options, kind->options->make().get(), keys::commented);
    }
  }

  void write_options(const option_table& table, const void* defaults, keys how, bool required_only = false) {
    for (const option& each : table.options()) {
      if (!each.planned.empty() || (required_only && !each.required)) continue;
      const bool is_section = each.kind == option_kind::section;
      const auto [value, is_default] = is_section ? std::pair{std::string{}, true} : value_of(each, defaults);
      if (!required_only) comment(described(each, is_default));
      if (is_section) {
        how == keys::live ? out_.line(each.key + ":") : commented(each.key + ":");
        const auto inner = out_.deeper();
        write_options(*each.section, each.view_section(defaults), how);
        continue;
      }
      if (how == keys::live && is_default)
        out_.line(each.key + ": " + value);
      else
        commented(each.key + ": " + value);
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

  const vocabulary& words_;
  indented out_;
};

}  // namespace

std::string print_example(const vocabulary& words) { return example{words}.write(); }

}  // namespace millrace::settings
