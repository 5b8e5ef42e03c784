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
  std::function<void(engine::kept_job&&)> job;
  std::function<void(const recovered_pause&)> pause;
};

/// Keeps changes, tells when they are durable, and brings the jobs back at the start. Loop thread only.
class store {
 public:
  virtual ~store() = default;

  /// Begins to bring back what was kept: jobs in order of id, then buried ones in the order in which they were buried.
  /// Bodies come along until they take `body_bytes_max` of memory; after that they stay on disk, which `kept_job` says.
  /// Those of more than `large_body_bytes` stay on disk in any case. Requires: nothing was kept yet.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): a store that remembers keeps it
  virtual void begin_recovery(recovery_sink sink, std::uint64_t body_bytes_max) {
    static_cast<void>(sink);
    static_cast<void>(body_bytes_max);
  }
  /// Reads at most `rows_max` rows and, of bodies, less than `bytes_max` + `large_body_bytes`. Call again until it
  /// gives the id mark (the next id is above it) or an error. Between two calls nothing else may be asked of the store,
  /// but it may be closed. Requires: `begin_recovery`.
  [[nodiscard]] virtual result<std::optional<std::uint64_t>> recover_slice(std::size_t rows_max,
                                                                           std::size_t bytes_max) {
    static_cast<void>(rows_max);
    static_cast<void>(bytes_max);
    return std::optional<std::uint64_t>{0};
  }

  /// Takes the changes of one command (empties `changes`) and says with which batch they will be safe; 0: they are safe
  /// already. Only changes of durable queues are handed in.
  virtual batch_id keep(engine::change_set& changes) = 0;
  /// The same for changes that nobody waits for: written within the store's interval, or with the next batch that
  /// somebody waits for.
  virtual batch_id keep_soon(engine::change_set& changes) { return keep(changes); }
  /// A durable mark: no id above the last mark that became safe may be given out, since after a crash they begin above
  /// it.
  virtual batch_id lease_ids(std::uint64_t up_to) {
    static_cast<void>(up_to);
    return 0;
  }
  /// The last batch that is safe.
  [[nodiscard]] virtual batch_id safe_up_to() const = 0;
  /// `moved` is called on the loop each time `safe_up_to` has risen, and once when the store has failed. One listener,
  /// set once, before the first change; a store where everything is safe at once has nothing to tell.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): a store that remembers keeps it
  virtual void when_safe(std::function<void()> moved) { static_cast<void>(moved); }
  /// False: nobody need collect changes for it.
  [[nodiscard]] virtual bool remembers() const = 0;

  /// Whether bodies of jobs that are safe can be had back, so that they need not stay in memory.
  [[nodiscard]] virtual bool reads_bodies() const { return false; }
  /// Reads bodies of jobs whose put is safe, beside the loop. For each of them `when_read`'s listener is called once,
  /// on the loop, never from within this call, in any order. `not_found`: there is no such job any more; other errors:
  /// it could not be read. How many are asked for at once is the caller's to limit.
  virtual void read_bodies(std::span<const job_id> jobs) { static_cast<void>(jobs); }
  using body_taker = std::function<void(job_id, result<body>&&)>;
  /// One listener, set once.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): a store that remembers keeps it
  virtual void when_read(body_taker came) { static_cast<void>(came); }

  /// The largest body of a job that can be kept. `keep` requires that none is larger.
  [[nodiscard]] virtual std::uint64_t job_bytes_max() const { return UINT64_MAX; }
  /// Registers a producer whose positions come as `source_moved`, so that they are committed with its jobs. Once for
  /// each producer, at the start. The store owns the name; nullptr: it remembers nothing.
  virtual const engine::source_name* name_source(std::string_view producer, std::string_view kind) {
    static_cast<void>(producer);
    static_cast<void>(kind);
    return nullptr;
  }
  /// What was kept of that producer before the start; none: it has put nothing yet.
  [[nodiscard]] virtual std::optional<kept_position> position_of(std::string_view producer) const {
    static_cast<void>(producer);
    return std::nullopt;
  }

  /// Nothing becomes safe any more.
  [[nodiscard]] virtual bool has_failed() const { return !failure().empty(); }
  /// Not empty: why `has_failed`.
  [[nodiscard]] virtual std::string failure() const { return {}; }
  /// A put of a body of `put_bytes` is to be refused before it runs, so that what is there can still be worked off.
  [[nodiscard]] virtual bool short_of_space(std::uint64_t put_bytes) const {
    static_cast<void>(put_bytes);
    return false;
  }
  /// Bytes of changes that the store still accepts before some of those it holds are written; 0: its limit is reached.
  /// It rises when `when_safe` is called.
  [[nodiscard]] virtual std::uint64_t backlog_room() const { return UINT64_MAX; }
  /// Changes are written so late, or not at all any more, that those given to `keep_soon` must be waited for as well.
  [[nodiscard]] virtual bool lagging() const { return false; }
};

}  // namespace millrace::store
