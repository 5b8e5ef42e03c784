#include "settings/print.hpp"

#include <algorithm>
#include <span>

#include "settings/encoding.hpp"
#include "settings/expansion.hpp"
#include "settings/indented.hpp"

namespace millrace::settings {

namespace {

void print_list(indented_text& out, const std::string& key, const std::vector<std::string>& items) {
  constexpr std::size_t line_bytes_max = 100;
  std::string flow;
  for (const std::string& item : items) {
    if (flow.size() > line_bytes_max) break;
    flow += (flow.empty() ? "" : ", ") + write_scalar(item);
  }
  if (flow.size() <= line_bytes_max) return out.line(key + ": [" + flow + "]");
  out.line(key + ":");
  const auto inner = out.deeper();
  for (const std::string& item : items) out.line("- " + write_scalar(item));
}

using expanded_keys = std::span<const std::string_view>;

void print_options(indented_text& out, const option_table& table, const void* owner, expanded_keys expanded = {}) {
  const auto scalar = [&](const option& declared, const std::string& value) {
    if (declared.kind != option_kind::text) return value;
    const bool is_expanded = std::find(expanded.begin(), expanded.end(), declared.key) != expanded.end();
    return write_scalar(is_expanded ? escape(value) : value);
  };
  for (const option& declared : table.options()) {
    if (!declared.planned.empty()) continue;
    if (declared.kind == option_kind::section) {
      const void* const section = declared.view_section(owner);
      if (section == nullptr) continue;
      out.line(declared.key + ":");
      const auto inner = out.deeper();
      print_options(out, *declared.section, section);
    } else if (declared.kind == option_kind::text_list) {
      print_list(out, declared.key, declared.print_list(owner));
    } else if (const auto value = declared.print(owner)) {
      out.line(declared.key + ": " + scalar(declared, *value));
    }
  }
}

/// Prints a section of named entries. `print_one` writes one entry.
template <class Entries, class PrintOne>
void print_named(indented_text& out, const std::string& key, const Entries& entries, PrintOne print_one) {
  if (entries.empty()) return out.line(key + ": {}");
  out.line(key + ":");
  const auto inner = out.deeper();
  for (const auto& entry : entries) print_one(entry);
}

void print_consumer(indented_text& out, const workload::consumer_settings& consumer, expanded_keys expanded) {
  out.line(write_scalar(consumer.name) + ":");
  const auto inner = out.deeper();
  if (consumer.kind != nullptr) out.line("handler: " + write_scalar(consumer.kind->name));
  print_options(out, workload::consumer_option_table(), &consumer.common);
  if (consumer.kind != nullptr)
    return print_options(out, *consumer.kind->options, consumer.kind_options.get(), expanded);
  out.line("steps:");
  const auto list = out.deeper();
  for (const auto& step : consumer.steps) {
    out.line("- handler: " + write_scalar(step.kind->name));
    const auto item = out.deeper();
    print_options(out, *step.kind->options, step.kind_options.get(), expanded);
  }
}

template <class Settings>
void print_with_kind(indented_text& out, const std::string& kind_key, const Settings& entry, const option_table& common,
                     expanded_keys expanded = {}) {
  out.line(write_scalar(entry.name) + ":");
  const auto inner = out.deeper();
  out.line(kind_key + ": " + write_scalar(entry.kind->name));
  print_options(out, common, &entry.common);
  print_options(out, *entry.kind->options, entry.kind_options.get(), expanded);
}

}  // namespace

std::string print(const settings& settings) {
  indented_text out;
  out.line("daemon:");
  {
    const auto inner = out.deeper();
    print_options(out, daemon_option_table(), &settings.daemon, expanded_daemon_keys);
  }
  out.line("queue_defaults:");
  {
    const auto inner = out.deeper();
    print_options(out, engine::queue_option_table(), &settings.queue_defaults);
  }
  print_named(out, "queues", settings.queues, [&](const auto& queue) {
    out.line(write_scalar(queue.first) + ":");
    const auto inner = out.deeper();
    print_options(out, engine::queue_option_table(), &queue.second);
  });
  print_named(out, "producers", settings.producers, [&](const auto& producer) {
    print_with_kind(out, "kind", producer, workload::producer_option_table(), expanded_producer_keys);
  });
  print_named(out, "consumers", settings.consumers,
              [&](const auto& consumer) { print_consumer(out, consumer, expanded_consumer_keys); });
  return out.take();
}

}  // namespace millrace::settings
