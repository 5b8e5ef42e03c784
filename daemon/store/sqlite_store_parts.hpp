#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/mailbox.hpp"
#include "store/body_reader.hpp"
#include "store/data_directory.hpp"
#include "store/open_batch.hpp"
#include "store/recovery.hpp"
#include "store/sqlite_store.hpp"
#include "store/upkeep.hpp"
#include "store/writer.hpp"

namespace millrace::store {

/// The members of the store. Its functions are in sqlite_store.cpp.
struct sqlite_store::parts {
  parts(loop::event_loop& event_loop, const store_options& settings, queue_names names, store_context environment,
        data_directory opened, sqlite::connection file, batch_rows statements)
      : loop{event_loop},
        options{settings},
        context{std::move(environment)},
        directory{std::move(opened)},
        data{std::move(file)},
        rows{std::move(statements)},
        open{std::move(names)},
        has_space{note_free_bytes() >= settings.disk_reserve} {
    counts.bytes = bytes_of(*data);
    counts.reserve_bytes = options.disk_reserve;
  }

  /// Throws what creating the thread throws. The store has failed then: its connection is gone.
  void start_writing();
  std::uint64_t note_free_bytes() { return counts.free_bytes = context.free_bytes(directory.path()); }
  void close_mail() {
    mail.close();
    body_mail.close();
    mail_open = false;
  }
  /// Returns the batch with which the changes become durable.
  batch_id add(engine::change_set& changes);
  batch_id add_awaited(engine::change_set& changes);
  void request_commit();
  void await_open() {
    is_synced = true;
    if (failure.empty()) request_commit();
  }
  void close_open();
  [[nodiscard]] std::uint64_t pending_bytes() const noexcept { return committing_bytes + closed_bytes + open.bytes(); }
  [[nodiscard]] instant oldest_change() const noexcept {
    if (committing_since != never) return committing_since;
    return closed.empty() ? open_since : closed.front().since;
  }
  void mail_received();
  void hand_over();
  void take(commit_report&& report);
  void fail(std::string&& cause);
  void start_reading() {
    if (!reading) reading.emplace(directory.data_file(), context.vfs, context.lock_limits, body_mail);
  }
  void bodies_read();

  loop::event_loop& loop;
  const store_options options;
  const store_context context;
  data_directory directory;
  std::optional<sqlite::connection> data;  ///< until the writer owns it, as `rows`
  std::optional<batch_rows> rows;
  open_batch open;
  std::optional<recovery> recovering;  ///< reads over `data`
  sqlite_store_counts counts;
  const bool has_space;  ///< at the start
  struct closed_batch {
    std::unique_ptr<batch> content;
    bool is_synced;
    instant since;  ///< of its first change
    std::uint64_t bytes;
  };
  std::deque<closed_batch> closed;  ///< oldest first: they wait for the writer
  std::uint64_t closed_bytes{0};
  std::unique_ptr<batch> spare{std::make_unique<batch>()};
  instant open_since{never};  ///< of the first change in the open batch
  instant committing_since{never};
  std::uint64_t committing_bytes{0};
  bool commit_requested{false};  ///< a command waits for the open batch, or its interval is over
  bool is_synced{false};         ///< a command waits for the open batch
  bool committing{false};
  batch_id last_durable{0};
  std::string failure;
  std::map<std::string, kept_position, std::less<>> positions;  ///< by producer, as recovered
  std::deque<engine::source_name> sources;                      ///< batches point to them
  std::function<void()> on_durable;
  body_taker on_body_read;
  std::vector<body_found> found;  ///< filled only inside `bodies_read`

  loop::wait_point closing{loop, "the store's last commit"};
  loop::deadline soon{loop, [this] { request_commit(); }};
  loop::mailbox mail{loop, [this] { mail_received(); }};
  // Separate from `mail`, which closes the open batch: a body that was read must not do so in the midst of a turn.
  loop::mailbox body_mail{loop, [this] { bodies_read(); }};
  bool mail_open{true};
  bool is_closing{false};
  std::optional<writer> writing;
  std::optional<body_reader> reading;
};

}  // namespace millrace::store
