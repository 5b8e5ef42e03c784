#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "store/counts.hpp"
#include "store/options.hpp"
#include "store/store.hpp"
#include "store/store_context.hpp"

namespace millrace::store {

/// The durable store: one SQLite file. Changes collect in the open batch while the writer's thread commits the one
/// before. The open batch is handed over when a command waits for it or its interval is over, the writer is free, and
/// the turn of the loop has ended; then a new one is opened. A batch that reaches `write_batch_max` is closed earlier
/// and waits for the writer, so that what comes later does not delay it; one set of changes is never divided. Batches
/// become durable in order. Bodies are read back by a thread of their own, which starts with `set_on_body_read` if
/// bodies have a memory limit, else with the first request.
///
/// Loop thread only. Owned by the daemon, made before the broker and destroyed after it. While open it keeps the loop
/// running; `close` ends it. Destroyed without `close`, it waits for its threads and loses what is still open, as a
/// crash would.
class sqlite_store final : public store {
 public:
  /// The name of a queue. Called on the loop for changes of a queue that had no jobs before.
  using queue_names = std::function<std::string_view(queue_id)>;

  /// Creates the directory's files, or checks the header and the schema of an existing data file and migrates one of an
  /// older version. Refused: a directory in use, a damaged file, the file of another program or of a newer version.
  [[nodiscard]] static result<std::unique_ptr<sqlite_store>> open(loop::event_loop& loop, const store_options& options,
                                                                  queue_names names, store_context context = {});
  ~sqlite_store() override;

  void begin_recovery(recovery_sink sink, std::uint64_t body_bytes_max) override;
  [[nodiscard]] result<std::optional<std::uint64_t>> recover_slice(std::size_t rows_max,
                                                                   std::size_t bytes_max) override;

  /// Starts the writer's thread, which would otherwise start with the first put or commit, so that a failure to create
  /// it is an error of the start. Throws std::system_error. Requires: no recovery is under way.
  void start();

  batch_id append(engine::change_set& changes) override;
  batch_id append_relaxed(engine::change_set& changes) override;
  batch_id reserve_ids(std::uint64_t up_to) override;
  [[nodiscard]] batch_id durable_up_to() const override;
  void set_on_durable(std::function<void()> on_durable) override;
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] bool reads_bodies() const override { return true; }
  /// Requires: the puts are durable (not checked: the answer may be `not_found`). Requests that are open when `close`
  /// begins, and later ones, are dropped.
  void read_bodies(std::span<const job_id> jobs) override;
  void set_on_body_read(body_taker on_body_read) override;
  [[nodiscard]] std::uint64_t job_bytes_max() const override { return kept_job_bytes_max; }
  const engine::source_name* name_source(std::string_view producer, std::string_view kind) override;
  [[nodiscard]] std::optional<kept_position> position_of(std::string_view producer) const override;
  [[nodiscard]] bool has_failed() const override;
  /// Of the thread that writes: see `writer::heartbeat`. None before it is started, and once the store has failed.
  [[nodiscard]] std::optional<std::uint64_t> heartbeat() const;
  [[nodiscard]] std::string failure() const override;
  [[nodiscard]] bool short_of_space(std::uint64_t put_bytes) const override;
  [[nodiscard]] std::uint64_t backlog_left() const override;
  [[nodiscard]] bool lagging() const override;

  /// Commits the open batch, joins the threads and lets the loop end. If the disk is full then, the store fails: the
  /// open batch is lost, and was never reported durable. Cancellation of the caller has no effect.
  loop::awaitable<> close();

  [[nodiscard]] const sqlite_store_counts& counts() const;

 private:
  struct parts;
  explicit sqlite_store(std::unique_ptr<parts> made);
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::store
