#pragma once

#include <cstdint>
#include <string>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "tools/joint_work.hpp"
#include "tools/tally.hpp"

namespace millrace::tools {

/// What a person sees on standard error while a load runs: on a terminal one line that is drawn again and again, otherwise a line each ten
/// seconds. It also notices a server that answers nothing any more. Owned by the bench; loop thread only; `rest` ends it.
class progress {
 public:
  /// A server that is silent for so long while answers are awaited has failed.
  static constexpr duration silence_max = seconds{30};

  progress(loop::event_loop& loop, bool quiet);

  /// What stands before everything that is said: which run of which server.
  void heading(std::string text) { heading_ = std::move(text); }
  /// Something that takes a moment.
  void say(const std::string& what);
  /// Shows what comes in until `rest`; `what` is empty while it is measured. Fails `parts` when nothing comes any more.
  void watch(const tally& counts, joint_work& parts, std::string what);
  loop::awaitable<> rest();
  /// Ends what is watched: a person has had enough.
  void interrupt();
  /// Takes the line away.
  void clear();

 private:
  static loop::awaitable<> look(progress& self, const tally& counts, joint_work& parts, std::string what);
  void show(const std::string& text);

  loop::event_loop& loop_;
  bool terminal_;
  bool quiet_;
  loop::task_scope tasks_;
  std::string heading_;
  bool shown_{false};
  joint_work* watched_{nullptr};
};

}  // namespace millrace::tools
