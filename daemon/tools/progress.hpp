#pragma once

#include <cstdint>
#include <string>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "tools/run_stats.hpp"
#include "tools/task_group.hpp"

namespace millrace::tools {

/// Shows on standard error how a load proceeds: one line that is redrawn on a terminal, otherwise a line every ten
/// seconds. It also detects a server that no longer answers. Owned by the bench; loop thread only; `rest` stops it.
class progress {
 public:
  /// A server that sends nothing for this long while replies are outstanding has failed.
  static constexpr duration silence_max = seconds{30};

  progress(loop::event_loop& loop, bool quiet);

  /// Sets the prefix of all output: the run and the server.
  void heading(std::string text) { heading_ = std::move(text); }
  /// Shows a step that takes a moment.
  void say(const std::string& step);
  /// Shows the progress of `counts` until `rest`. Fails `parts` when the server no longer answers. `phase` is empty
  /// while the load is measured.
  void watch(const run_stats& counts, task_group& parts, std::string phase);
  /// Ends `watch`.
  loop::awaitable<> rest();
  /// Cancels the load: the user has pressed Ctrl-C.
  void interrupt();
  /// Erases the line.
  void clear();

 private:
  static loop::awaitable<> sample(progress& self, const run_stats& counts, task_group& parts, std::string phase);
  void show(const std::string& text);

  loop::event_loop& loop_;
  bool terminal_;
  bool quiet_;
  loop::task_scope tasks_;
  std::string heading_;
  bool shown_{false};
  task_group* watched_{nullptr};
};

}  // namespace millrace::tools
