#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/child_guard.hpp"
#include "loop/child_process.hpp"
#include "loop/child_starter.hpp"

namespace millrace::loop {

/// What the children of one launcher share. Kept by each of them, so a child may outlive the launcher.
struct child_family {
  explicit child_family(std::vector<std::string> guard_command) : guard{std::move(guard_command)} {}

  child_guard guard;
  child_starter* starter{nullptr};  ///< null: the launcher is destroyed
  std::size_t running{0};
};

/// The state of a child. The wait for its end keeps it alive until the child is reaped.
struct child_process::parts : std::enable_shared_from_this<parts> {
  using error_code = boost::system::error_code;
  using descriptor = boost::asio::posix::basic_stream_descriptor<executor>;

  parts(event_loop& owner, std::shared_ptr<child_family> family, pid_t leader);
  ~parts();
  parts(const parts&) = delete;
  parts& operator=(const parts&) = delete;

  /// Takes the descriptors that it gets, even if it fails.
  error_code watch(started_child&& started);
  [[nodiscard]] descriptor& of(child_stream stream) { return stream == child_stream::output ? output : error_output; }
  void signal_group(int number) noexcept;
  void end(duration kill_after);
  void await_program();
  /// The program has ended: finishes now. After SIGTERM it first waits until the rest of the group has closed its
  /// output and error, at most until `kill_at`.
  void await_rest_of_group();
  void finish();

  event_loop& loop;
  std::shared_ptr<child_family> family;
  pid_t id;
  descriptor pidfd;
  descriptor input;
  descriptor output;
  descriptor error_output;
  deadline kill_at;
  deadline look_again;  ///< at the rest of the group
  wait_point reaped;
  std::optional<memory_cgroup> memory;
  std::uint64_t memory_max{0};  ///< of `memory`, also when it is removed; 0: there is none
  std::string program;          ///< its name without the directory, for texts
  std::optional<child_exit> exit;
};

}  // namespace millrace::loop
