#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"

namespace millrace::store {

/// The number of a batch: changes that share one commit. Each batch has the next number.
using batch_id = std::uint64_t;

/// A larger body is never read on the loop: recovery leaves it on disk, from where `read_bodies` gives it.
inline constexpr std::uint64_t large_body_bytes = 1u << 20;

/// How far the source of a producer was read when the program ended.
struct kept_position {
  engine::source_name source;
  engine::source_place at;
};

struct recovered_pause {
  queue_id queue;
  instant until;
  duration length;
};

/// Receives what recovery finds.
struct recovery_sink {
  /// Creates the queue of that name unless it exists. Called only for queues that have jobs or a pause.
  std::function<queue_id(std::string_view name)> queue_of;
  std::function<void(engine::kept_job&&)> on_job;
  std::function<void(const recovered_pause&)> on_pause;
  // Those below may be empty: then such rows are read and not given to anybody.
  /// Called before the first job.
  std::function<void(engine::kept_group&&)> on_group{};
  /// The highest id of a group that may have been given out. Called once, after the groups and before the first job.
  std::function<void(engine::group_id)> on_last_group{};
  /// Called after the jobs and the pauses.
  std::function<void(std::uint64_t action, std::string&& description)> on_action{};
};

/// Makes changes durable, reports when they are, and restores the jobs at the start.
///
/// Owned by the daemon, made before the broker and destroyed after it. Loop thread only.
class store {
 public:
  virtual ~store() = default;

  /// Begins to restore jobs in order of id, then buried ones in the order in which they were buried. Bodies are read
  /// until they take `body_bytes_max` of memory; later ones, and those of more than `large_body_bytes`, stay on disk:
  /// see `kept_job`. Requires: nothing was appended yet.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): an override moves from it
  virtual void begin_recovery(recovery_sink sink, std::uint64_t body_bytes_max) {
    static_cast<void>(sink);
    static_cast<void>(body_bytes_max);
  }
  /// Reads at most `rows_max` rows and, of bodies, less than `bytes_max` + `large_body_bytes`. The last slice
  /// also reads all actions and positions, which are few. Call again until it gives the id mark (the next id is above
  /// it) or an error. Between two calls nothing else may be asked of the store, but it may be closed. Requires:
  /// `begin_recovery`.
  [[nodiscard]] virtual result<std::optional<std::uint64_t>> recover_slice(std::size_t rows_max,
                                                                           std::size_t bytes_max) {
    static_cast<void>(rows_max);
    static_cast<void>(bytes_max);
    return std::optional<std::uint64_t>{0};
  }

  /// Appends the changes of one command and empties `changes`. Returns the batch with which they become durable; 0:
  /// they are durable already. Requires: all changes are of durable queues.
  virtual batch_id append(engine::change_set& changes) = 0;
  /// The same for relaxed changes: they are written within the store's interval, or with the next batch that a command
  /// waits for.
  virtual batch_id append_relaxed(engine::change_set& changes) { return append(changes); }
  /// Makes a mark durable: no id above the last durable mark may be given out, since after a crash ids begin above it.
  virtual batch_id reserve_ids(std::uint64_t up_to) {
    static_cast<void>(up_to);
    return 0;
  }
  /// The last batch that is durable.
  [[nodiscard]] virtual batch_id durable_up_to() const = 0;
  /// `on_durable` runs on the loop each time `durable_up_to` has risen, and once when the store has failed. One
  /// listener, set once, before the first change. A store whose changes are durable at once never calls it.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): an override moves from it
  virtual void set_on_durable(std::function<void()> on_durable) { static_cast<void>(on_durable); }
  /// False: nothing outlives the process, so changes need not be collected for this store.
  [[nodiscard]] virtual bool is_persistent() const = 0;

  /// Whether bodies of durable jobs can be read back, so that they need not stay in memory.
  [[nodiscard]] virtual bool reads_bodies() const { return false; }
  /// Requests bodies of jobs whose put is durable; another thread reads them. The listener of `set_on_body_read` is
  /// called once for each request, on the loop, never inside this call, in any order. `not_found`: the job is gone;
  /// other errors: the body could not be read. The caller limits the number of open requests.
  virtual void read_bodies(std::span<const job_id> jobs) { static_cast<void>(jobs); }
  using body_taker = std::function<void(job_id, result<body>&&)>;
  /// One listener, set once.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): an override moves from it
  virtual void set_on_body_read(body_taker on_body_read) { static_cast<void>(on_body_read); }

  /// The largest body of a job that can be stored. `append` requires that none is larger.
  [[nodiscard]] virtual std::uint64_t job_bytes_max() const { return UINT64_MAX; }
  /// Registers a producer whose positions are in `source_moved`, so that they are committed with its jobs. Called once
  /// for each producer, at the start. The store owns the name; nullptr: this store is not persistent.
  virtual const engine::source_name* name_source(std::string_view producer, std::string_view kind) {
    static_cast<void>(producer);
    static_cast<void>(kind);
    return nullptr;
  }
  /// The position of that producer at the last commit before the start; none: it has put nothing yet.
  [[nodiscard]] virtual std::optional<kept_position> position_of(std::string_view producer) const {
    static_cast<void>(producer);
    return std::nullopt;
  }

  /// True: no further change becomes durable.
  [[nodiscard]] virtual bool has_failed() const { return !failure().empty(); }
  /// The cause of `has_failed`; empty: the store has not failed.
  [[nodiscard]] virtual std::string failure() const { return {}; }
  /// True: a put of a body of `put_bytes` must be refused before it runs. Reserves and deletes still find space.
  [[nodiscard]] virtual bool short_of_space(std::uint64_t put_bytes) const {
    static_cast<void>(put_bytes);
    return false;
  }
  /// Bytes of further changes that fit into the write backlog; 0: its limit is reached.
  /// It rises when `on_durable` is called.
  [[nodiscard]] virtual std::uint64_t backlog_left() const { return UINT64_MAX; }
  /// True: changes are written so late, or no longer, that replies to relaxed commands must wait for the commit, too.
  [[nodiscard]] virtual bool lagging() const { return false; }
};

}  // namespace millrace::store
