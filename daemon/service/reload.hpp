#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <millrace/handlers/handler.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>
#include <millrace/sources/source.hpp>

#include "base/log.hpp"
#include "broker/broker.hpp"
#include "loop/stall_watch.hpp"
#include "loop/task_scope.hpp"
#include "settings/difference.hpp"
#include "settings/load.hpp"
#include "telemetry/system_metrics.hpp"
#include "workload/workload.hpp"

namespace millrace::service {

struct reload_options {
  const settings::vocabulary* vocabulary{nullptr};  ///< null: there is no settings file to read again
  std::optional<log::level> level_min{};            ///< `--log-level`: overrides that of the file
  bool ends_when_idle{false};                       ///< `--until-idle` without `--limit`: no producer may be endless
};

/// The result of one reload.
struct reload_answer {
  bool applied{false};
  std::string reason;                             ///< why it was refused; empty: see the errors in `diagnostics`
  std::vector<std::string> changes;               ///< what was applied: `consumer primality: changed`
  std::vector<settings::diagnostic> diagnostics;  ///< errors and warnings of the file, in its order
};

/// Reads the settings file again and applies the difference to the running daemon: everything, or nothing if the file
/// has an error, something cannot be made (a source, a handler), or an option differs that is fixed while the daemon
/// runs. The file is read and compared on a thread, so that a large one does not hold the loop.
///
/// Reloads run one after another. One that is requested while another runs begins after it and reads the file again;
/// further requests of that time share it. Requests before `open` wait for it. A reload is refused when a drain has
/// begun.
///
/// Owned by the daemon. Loop thread only. A caller that is cancelled while it waits does not stop the reload. `close`
/// ends the reload that runs, and must be awaited before destruction.
class reloader {
 public:
  /// The parts of the daemon that a reload changes. All references outlive this object.
  struct context {
    loop::event_loop& loop;
    broker::broker& broker;
    workload::workload& work;
    loop::stall_watch& stalls;
    std::shared_ptr<const settings::settings>& present;  ///< replaced when a reload is applied
    sources::source_context inputs;
    handlers::handler_context outputs;
    std::function<bool()> serves_clients;  ///< whether the beanstalk listener is open
    reload_options options;
  };
  enum class phase { begins, ends };

  explicit reloader(context parts);
  ~reloader() = default;
  reloader(const reloader&) = delete;
  reloader& operator=(const reloader&) = delete;

  /// Reloads are carried out from now on.
  void open();
  /// Requests a reload without waiting for it. Its result is logged.
  void request();
  /// Requests a reload and waits for its result. Any number of tasks may wait.
  loop::awaitable<reload_answer> reload();
  /// `on_phase` is called when a reload begins and ends. One listener.
  void set_on_phase(std::function<void(phase)> on_phase) { on_phase_ = std::move(on_phase); }
  /// For the metrics. The settings of the start count as a successful reload.
  [[nodiscard]] const telemetry::reload_facts& facts() const noexcept { return facts_; }

  loop::awaitable<> close();

 private:
  struct file_content;

  loop::awaitable<> run_requests();
  loop::awaitable<reload_answer> reload_once();
  loop::awaitable<std::shared_ptr<file_content>> read_file();
  [[nodiscard]] std::string refusal_by_engine(const settings::settings& next,
                                              const settings::difference& changes) const;
  loop::awaitable<reload_answer> apply(file_content& content);
  void apply_options(const settings::settings& next, const settings::difference& changes);
  void apply_queues(const settings::difference& changes);
  void give_first_queue_defaults(const settings::difference& changes);
  loop::awaitable<> remove_queues(const settings::difference& changes);
  loop::awaitable<> apply_queue_defaults();
  void finish(const reload_answer& answer);

  context context_;
  bool opened_{false};
  bool closed_{false};
  bool running_{false};
  std::uint64_t wanted_{0}, begun_{0}, done_{0};  ///< reloads are numbered
  std::shared_ptr<const reload_answer> last_;
  std::function<void(phase)> on_phase_;
  telemetry::reload_facts facts_;
  loop::wait_point finished_;
  loop::task_scope tasks_;
};

}  // namespace millrace::service
