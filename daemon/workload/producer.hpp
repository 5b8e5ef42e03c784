#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>
#include <millrace/sources/source.hpp>

#include "broker/backlog_share.hpp"
#include "broker/broker.hpp"
#include "loop/backpressure.hpp"
#include "workload/counts.hpp"
#include "workload/log_limiter.hpp"
#include "workload/options.hpp"
#include "workload/pace.hpp"
#include "workload/producer_group.hpp"
#include "workload/source_progress.hpp"

namespace millrace::workload {

/// Puts the bodies of a source into a queue at a pace: up to `bodies_per_turn` without suspending, then other tasks
/// have a turn. A full queue that blocks suspends it, and that time is measured. A body that the queue refuses is
/// counted as an error and dropped. While the disk has no space it waits in the same way and looks again after each
/// `rest`, since no event announces free space.
///
/// Into a queue on disk it stores the position of its source with each job, and resumes there
/// (workload/source_progress.hpp). If it cannot, it logs the reason and ends without a put: going on would leave out or
/// repeat bodies.
///
/// Errors that the source returns are counted, and logged at a limited rate. After `bodies_per_turn` errors or refusals
/// in a row it rests, so that a source that only fails does not spin. After an exception the state of the source is
/// unknown, so the producer ends, and the exception is counted and logged at once.
///
/// With `group`, its jobs join a group (workload/producer_group.hpp). When the group cancels its remaining jobs, the
/// producer ends. With `after`, it begins when other producers and all of their jobs have ended.
///
/// `adjust` changes the pace and the options of later jobs while it runs. The source continues.
///
/// Owned by the workload, which runs `run` as a task of its own. Ends when its source ends, its limit is reached, its
/// time (`for`) is over, or the broker drains. Cancelling the task also ends it, and withdraws a put that waits for
/// capacity.
class producer {
 public:
  static constexpr unsigned bodies_per_turn = 64;
  static constexpr duration rest = milliseconds{100};

  struct environment {
    loop::event_loop& loop;
    broker::broker& broker;
    loop::backpressure& held;        ///< producers held by a full queue, or by a disk without space
    std::function<void()> on_ended;  ///< called on the loop, once
    /// Suspends until the producers named by `after` have ended, and all of their jobs; empty: it begins at once.
    std::function<loop::awaitable<>()> until_predecessors_end{};
    const producer_settings* grouped{nullptr};  ///< of the group that its jobs join; null: none. For the constructor.
  };

  /// `limit` replaces the settings' own.
  producer(environment env, const producer_options& options, queue_id queue, std::unique_ptr<sources::source> source,
           std::optional<source_progress> progress, std::optional<std::uint64_t> limit, producer_counts& counts);

  loop::awaitable<> run();

  /// Changes rate, limit and the options of jobs while it runs, from its next body on. `limit` as for the constructor.
  /// Requires: the queue, `for`, `start`, `group` and `after` are the same.
  void adjust(const producer_options& options, std::optional<std::uint64_t> limit);
  /// Where its next run continues; nullopt: it stores no position.
  [[nodiscard]] std::optional<progress_mark> mark() const;

 private:
  /// Lives as long as the producer's task runs. Its destructor tells the workload that the producer has ended.
  struct running_mark {
    explicit running_mark(producer& of) : owner{of} {}
    ~running_mark() {
      owner.counts_.ended = true;
      owner.environment_.on_ended();
    }
    running_mark(const running_mark&) = delete;
    running_mark& operator=(const running_mark&) = delete;

    producer& owner;
  };

  /// Lives while the producer is held, which counts as back pressure. Meanwhile its lag grows.
  struct hold {
    explicit hold(producer& held) : owner{held}, began{held.environment_.loop.now()} {
      owner.environment_.held.begin(began);
      owner.counts_.held_body_due = owner.body_due_;
    }
    ~hold() {
      owner.environment_.held.end(began, owner.environment_.loop.now());
      owner.counts_.held_body_due = never;
    }
    hold(const hold&) = delete;
    hold& operator=(const hold&) = delete;

    producer& owner;
    instant began;
  };

  loop::awaitable<> produce();
  /// False: the source cannot be resumed, which is logged.
  loop::awaitable<bool> resume_source();
  engine::put_status put(body&& content);
  /// The body is dropped and counted.
  engine::put_status refused(std::string_view reason);
  loop::awaitable<> wait_until_admitted(std::size_t bytes);
  [[nodiscard]] bool short_of_space() const;
  loop::awaitable<> wait_for_space();
  loop::awaitable<> until_due();
  loop::awaitable<> wait_for_more();
  void count_failure(log_limiter& log, std::string_view event, std::string_view reason);
  void was_put(const broker::receipt& receipt, std::size_t bytes);

  environment environment_;
  producer_options options_;
  queue_id queue_;
  std::unique_ptr<sources::source> source_;
  std::optional<source_progress> progress_;
  std::optional<body> unsent_;  ///< had no space on disk
  session_id session_;
  std::optional<producer_group> group_;
  bool cut_off_{false};          ///< by a drain: a later run may go on
  broker::backlog_share share_;  ///< of the changes that wait to be written
  pace pace_;
  loop::wait_point pace_changed_;
  loop::deadline next_due_;
  instant body_due_{never};  ///< of the body at hand; `never` without a schedule
  producer_counts& counts_;
  log_limiter source_failures_;
  log_limiter refusals_;
  unsigned consecutive_failures_{0};
  unsigned since_durable_{0};  ///< puts since all of them were known to be durable
  broker::receipt last_put_;   ///< of its newest put
};

}  // namespace millrace::workload
