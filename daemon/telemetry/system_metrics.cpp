#include "telemetry/system_metrics.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace millrace::telemetry {

namespace {

/// The label of stalls of tasks that are not listed by name. It is always exported, so the family exists from the
/// start.
constexpr std::string_view other_tasks = "__other__";

}  // namespace

system_copy copy_system(const loop::event_loop& loop, const loop::stall_watch& stalls,
                        const std::vector<named_listener>& listeners, const shown_buckets& buckets) {
  system_copy copied;
  copied.loop_lag.add(loop.counts().lag, buckets);
  copied.loop_busy_nanoseconds = loop.counts().busy_nanoseconds.value();
  copied.stalls = stalls.stalls();
  if (std::ranges::none_of(copied.stalls, [](const auto& stall) { return stall.task == other_tasks; }))
    copied.stalls.push_back({std::string{other_tasks}, 0, duration::zero()});
  for (const auto& [protocol, counts] : listeners) {
    auto& listener = copied.listeners.emplace_back();
    listener.protocol = protocol;
    listener.connections = counts->connections;
    listener.opened = counts->opened.value();
    for (const auto& [code, count] : counts->protocol_errors) listener.errors.emplace_back(code, count.value());
  }
  return copied;
}

namespace {

void write_loop(exposition& page, const system_copy& system) {
  page.family(family_kind::histogram, "millrace_loop_lag_seconds", "How late a timer of the loop fires.");
  page.sample({}, system.loop_lag);
  page.family(family_kind::counter, "millrace_loop_busy_seconds_total", "Time for which the loop did not wait.");
  page.sample({}, static_cast<double>(system.loop_busy_nanoseconds) / 1e9);
  page.family(family_kind::counter, "millrace_loop_stalls_total", "Times a task held the loop too long.");
  for (const auto& stall : system.stalls) page.sample({{"task", stall.task}}, stall.stalls);
}

void write_listeners(exposition& page, const system_copy& system) {
  page.family(family_kind::gauge, "millrace_connections", "Open connections.");
  for (const auto& listener : system.listeners) page.sample({{"protocol", listener.protocol}}, listener.connections);
  page.family(family_kind::counter, "millrace_connections_opened_total", "Connections accepted.");
  for (const auto& listener : system.listeners) page.sample({{"protocol", listener.protocol}}, listener.opened);
  page.family(family_kind::counter, "millrace_protocol_errors_total", "What clients did wrong.");
  for (const auto& listener : system.listeners)
    for (const auto& [code, count] : listener.errors)
      page.sample({{"protocol", listener.protocol}, {"code", code}}, count);
}

template <class Value>
void write_known(exposition& page, family_kind kind, std::string_view name, std::string_view help,
                 const std::optional<Value>& value) {
  if (!value) return;
  page.family(kind, name, help);
  page.sample({}, *value);
}

void write_process(exposition& page, const process_facts& process) {
  const auto gauge = family_kind::gauge;
  write_known(page, family_kind::counter, "process_cpu_seconds_total", "Processor time, user and system.",
              process.cpu_seconds);
  write_known(page, gauge, "process_resident_memory_bytes", "Memory that is resident.", process.resident_bytes);
  write_known(page, gauge, "process_virtual_memory_bytes", "Address space.", process.virtual_bytes);
  write_known(page, gauge, "process_open_fds", "Open file descriptors.", process.open_fds);
  write_known(page, gauge, "process_max_fds", "File descriptors that may be open.", process.max_fds);
  write_known(page, gauge, "process_threads", "Threads.", process.threads);
  write_known(page, gauge, "process_start_time_seconds", "When the process began, in seconds since 1970.",
              process.start_time_seconds);
}

}  // namespace

void write(exposition& page, const system_copy& system, const process_facts& process) {
  write_loop(page, system);
  write_listeners(page, system);
  if (system.reload) {
    page.family(family_kind::gauge, "millrace_config_last_reload_successful",
                "1 if the last reload of the settings was applied, 0 if it was refused.");
    page.sample({}, std::uint64_t{system.reload->successful ? 1u : 0u});
    page.family(family_kind::gauge, "millrace_config_last_reload_success_timestamp_seconds",
                "When settings were last applied, in seconds since 1970; the start counts.");
    page.sample({}, system.reload->last_success_seconds);
  }

  page.family(family_kind::gauge, "millrace_build_info", "Always 1; the label says which version runs.");
  page.sample({{"version", system.version}}, 1.0);
  page.family(family_kind::gauge, "millrace_draining",
              "1 while the daemon refuses new work: it drains, or SIGUSR1 asked for it.");
  page.sample({}, std::uint64_t{system.draining});
  write_process(page, process);
}

}  // namespace millrace::telemetry
