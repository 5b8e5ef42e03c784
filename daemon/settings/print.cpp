#include "settings/print.hpp"

#include <algorithm>
#include <span>

#include "settings/encoding.hpp"
#include "settings/expansion.hpp"
#include "settings/indented.hpp"

namespace millrace::settings {

namespace {

void print_list(indented& out, const std::string& key, const std::vector<std::string>& items) {
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

void print_options(indented& out, const option_table& table, const void* owner, expanded_keys expanded = {}) {
  const auto scalar = [&](const option& each, const std::string& value) {
    if (each.kind != option_kind::text) return value;
    const bool is_expanded = std::find(expanded.begin(), expanded.end(), each.key) != expanded.end();
    return write_scalar(is_expanded ? unexpanded(value) : value);
  };
  for (const option& each : table.options()) {
    if (!each.planned.empty()) continue;
    if (each.kind == option_kind::section) {
      out.line(each.key + ":");
      const auto inner = out.deeper();
      print_options(out, *each.section, each.view_section(owner));
    } else if (each.kind == option_kind::text_list) {
      print_list(out, each.key, each.print_list(owner));
    } else if (const auto value = each.print(owner)) {
      out.line(each.key + ": " + scalar(each, *value));
    }
  }
}

/// A map by names; `print_one` writes the keys of one.
template <class Parts, class PrintOne>
void print_named(indented& out, const std::string& key, const Parts& parts, PrintOne print_one) {
  if (parts.empty()) return out.line(key + ": {}");
  out.line(key + ":");
  const auto inner = out.deeper();
  for (const auto& each : parts) print_one(each);
}

template <class Settings>
void print_with_kind(indented& out, const std::string& kind_key, const Settings& what, const option_table& common,
                     expanded_keys expanded = {}) {
  out.line(write_scalar(what.name) + ":");
  const auto inner = out.deeper();
  out.line(kind_key + ": " + write_scalar(what.kind->name));
  print_options(out, common, &what.common);
  print_options(out, *what.kind->options, what.kind_options.get(), expanded);
}

}  // namespace

std::string print(const settings& what) {
  indented out;
  out.line("daemon:");
  {
    const auto inner = out.deeper();
    print_options(out, daemon_option_table(), &what.daemon, expanded_daemon_keys);
  }
  out.line("queue_defaults:");
  {
    const auto inner = out.deeper();
    print_options(out, engine::queue_option_table(), &what.queue_defaults);
  }
  print_named(out, "queues", what.queues, [&](const auto& each) {
    out.line(write_scalar(each.first) + ":");
    const auto inner = out.deeper();
    print_options(out, engine::queue_option_table(), &each.second);
  });
  print_named(out, "producers", what.producers, [&](const auto& each) {
    print_with_kind(out, "kind", each, workload::producer_option_table(), expanded_producer_keys);
  });
  print_named(out, "consumers", what.consumers,
              [&](const auto& each) { print_with_kind(out, "handler", each, workload::consumer_option_table()); });
  return out.take();
}

}  // namespace millrace::settings
