#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/result.hpp>

#include "loop/child_spawn.hpp"

namespace millrace::loop {

/// A control group (v2) for one child and all that it starts, in whatever process group or session. When they need more
/// than the limit and the kernel can free none of it, the kernel kills all of them at once (`memory.oom.group`). What
/// counts is the memory of the kernel's Documentation/admin-guide/cgroup-v2.rst: their pages, and files that they have
/// read or written, which are freed first. They cannot use swap space instead.
///
/// Any thread, one at a time. The destructor does as `remove`.
class memory_cgroup {
 public:
  static constexpr std::string_view name_prefix = "child-";

  /// Makes a directory in `parent`, which must be ready for it (cgroup_delegation.hpp). `memory_max`: bytes.
  [[nodiscard]] static result<memory_cgroup> make(const std::filesystem::path& parent, std::uint64_t number,
                                                  std::uint64_t memory_max);
  /// One that an earlier process has made.
  explicit memory_cgroup(std::filesystem::path left) : memory_cgroup{std::move(left), 0} {}
  memory_cgroup(memory_cgroup&& other) noexcept
      : directory_{std::exchange(other.directory_, {})},
        entrance_{std::move(other.entrance_)},
        memory_max_{other.memory_max_} {}
  memory_cgroup& operator=(memory_cgroup&& other) noexcept;
  ~memory_cgroup() { static_cast<void>(remove()); }

  [[nodiscard]] std::uint64_t memory_max() const noexcept { return memory_max_; }
  /// A process that writes `0` to it enters the group. -1 after `close_entrance`.
  [[nodiscard]] int entrance() const noexcept { return entrance_.get(); }
  void close_entrance() noexcept { entrance_.close(); }
  /// The kernel has killed its processes, because they needed more than the limit. False: it has killed none, or for
  /// a limit of a group above, or because the machine had no memory left.
  [[nodiscard]] bool is_exceeded() const;
  /// Kills its processes and removes the directory, with groups that they have made below it. False: some have not
  /// ended yet, and it has to be called again.
  bool remove() noexcept;

 private:
  memory_cgroup(std::filesystem::path directory, std::uint64_t memory_max)
      : directory_{std::move(directory)}, memory_max_{memory_max} {}

  std::filesystem::path directory_;  ///< empty: removed, or moved from
  owned_descriptor entrance_;
  std::uint64_t memory_max_;
};

/// Makes the control groups of children with a limit of memory, where this process may. The first call of `make` takes
/// over the control group of this process, and logs whether memory is limited by control groups or watched
/// (group_watch.hpp). One thread.
class memory_cgroups {
 public:
  /// nullopt: a group cannot be created, so memory has to be watched.
  [[nodiscard]] std::optional<memory_cgroup> make(std::uint64_t memory_max);
  /// `error_number`: why a child could not enter a group that was made for it. True: it is 0.
  [[nodiscard]] bool note_entry(int error_number);
  void remove(memory_cgroup&& group);
  /// Removes groups whose processes had not ended. False: there are still such ones.
  bool remove_left();

 private:
  void take_over();
  void note_failure(const std::string& reason);

  bool is_taken_over_{false};
  std::filesystem::path parent_;  ///< empty: a group cannot be created
  bool entered_last_{true};       ///< for one log record when groups cannot be used any more
  std::uint64_t made_{0};
  std::vector<memory_cgroup> left_;
};

/// Whether the text of `memory.events` says that the kernel has killed processes for the limit of this group.
[[nodiscard]] bool has_exceeded_kill(std::string_view events);

/// Writes a file of the kernel with one system call. Returns 0 or the error number.
int write_cgroup_file(const std::filesystem::path& file, std::string_view text) noexcept;

}  // namespace millrace::loop
