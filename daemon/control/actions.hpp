#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/task_scope.hpp"

namespace millrace::control {

/// The number of an action. An action that goes on after a restart keeps it.
using action_id = id<struct action_tag>;

enum class action_state {
  running,
  done,
  stopped,  ///< by a client, or because the daemon drained
  failed    ///< the store failed
};
[[nodiscard]] std::string_view name_of(action_state state) noexcept;

/// What an action does and how far it is.
struct action {
  action_id id{};
  std::string kind{};    ///< `purge`, `redrive`, `backup` …
  std::string target{};  ///< the name of the queue, or the directory of a backup
  std::string key{};     ///< the `Idempotency-Key` of the request that began it; empty: none
  action_state state{action_state::running};
  std::string_view unit{"jobs"};  ///< of `done` and `total`: `jobs`, `bytes`
  std::uint64_t done{0};          ///< durably where the queue is durable
  std::uint64_t seen{0};          ///< jobs that were looked at
  std::uint64_t unchanged{0};     ///< of them: found, but they could not be changed
  std::uint64_t total{0};         ///< as known when it began
  bool dry_run{false};            ///< `done` counts what it would change
  std::string error{};            ///< when `failed`, or when a backup was stopped
  instant began{};
  instant ended{never};
  bool stopping{false};       ///< the work ends with `stopped` at its next step
  bool asked_to_stop{false};  ///< by a client, so that it does not go on after a restart
};

/// The actions of the daemon: what takes longer than a request goes on here when the client is gone. Each runs as
/// a task, in steps between which other tasks run.
///
/// Owned by the API. Loop thread only. After `stop` none begins, and those that run end at their next step. The end of
/// each is logged. Limits: `running_max` run at a time. Of those that ended, the `ended_max` that began last are
/// remembered.
class actions {
 public:
  static constexpr std::size_t running_max = 16;
  static constexpr std::size_t ended_max = 100;

  /// Does the work. Counts in `done`, looks at `stopping` between steps, and sets `state` and `error` at the end.
  using work = std::function<loop::awaitable<>(action&)>;

  explicit actions(loop::event_loop& loop);
  ~actions();

  /// Facts with an id are those of an action that goes on. `refused` if too many run, `cancelled` after `stop`. An
  /// action that has ended is forgotten at the start of another if `ended_max` that began after it have ended.
  result<std::shared_ptr<const action>> start(action facts, work steps);
  /// Null: there is no such action, or it is forgotten.
  [[nodiscard]] std::shared_ptr<const action> find(action_id id) const;
  /// The action that a request with this key began. Null also for an empty key.
  [[nodiscard]] std::shared_ptr<const action> find_key(std::string_view key) const;
  /// The latest first.
  [[nodiscard]] const std::list<std::shared_ptr<action>>& all() const noexcept { return actions_; }
  /// Suspends until the action has ended, or until `until`.
  loop::awaitable<> ended(std::shared_ptr<const action> awaited, instant until);

  /// The action ends at its next step. False: there is no such action, or it has ended.
  bool stop(action_id id);
  /// All actions end at their next step, and none begins from now on.
  void stop();
  /// Stops, and returns when none runs. After `patience` those that still wait for the disk are cancelled.
  loop::awaitable<> close(duration patience);

 private:
  loop::awaitable<> run(std::shared_ptr<action> facts, work steps);
  void end(action& facts);
  void forget();

  loop::event_loop& loop_;
  std::list<std::shared_ptr<action>> actions_;  ///< the latest first
  std::uint64_t last_id_{0};
  std::size_t running_{0};
  bool stopped_{false};
  loop::wait_point changed_;
  loop::task_scope tasks_;
};

}  // namespace millrace::control
