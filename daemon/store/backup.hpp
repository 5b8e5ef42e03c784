#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "store/store_context.hpp"

namespace millrace::store {

/// Of a backup, in bytes of the data file.
struct backup_progress {
  std::uint64_t copied{0};
  std::uint64_t total{0};
};

/// Copies the data file into a directory on which a daemon can start, while the writer goes on. The copy is the state
/// of one moment: everything that was durable when the backup began, and nothing later. It is on disk when `run`
/// returns. A backup that fails or is stopped leaves nothing behind; if the process dies, `TARGET.incomplete` stays,
/// which the next backup into that target replaces.
///
/// The copy is made in steps of `step_pages` by a thread of its own. After each step it pauses for as long as the step
/// took, so that commits get half of the disk, and it syncs every `sync_bytes`, so that commits do not wait for a large
/// sync. While it runs, the log of the data file cannot begin anew, so it grows by what is written meanwhile.
///
/// Owned by the daemon; loop thread only. `close` stops a backup that runs. Requires: the store is open until `close`
/// has returned.
class backup {
 public:
  static constexpr int step_pages = 256;
  static constexpr std::uint64_t sync_bytes = 8u << 20;

  backup(loop::event_loop& loop, std::string data_dir, store_context context = {});
  ~backup();
  backup(const backup&) = delete;
  backup& operator=(const backup&) = delete;

  /// Copies into `target`, a directory that does not exist; its parent exists. Returns the bytes of the
  /// copy. `on_progress` is called on the loop when the backup begins to copy, and after steps. Errors: `refused` a
  /// backup is running, `target` exists, or its disk has too little space; `cancelled` by `stop` or `close`;
  /// `io` the disk fails. When the task is cancelled, the backup goes on.
  loop::awaitable<result<std::uint64_t>> run(std::string target,
                                             std::function<void(const backup_progress&)> on_progress = {});
  /// Ends the backup that is running, after its step.
  void stop();
  /// Stops the backup, and returns when its thread has ended. `run` fails from now on.
  loop::awaitable<> close();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::store
