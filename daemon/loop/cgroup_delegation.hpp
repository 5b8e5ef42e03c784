#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace::loop {

/// The directory of this process in the hierarchy of control groups, version 2. The texts are those of
/// /proc/self/cgroup and /proc/self/mountinfo (man 7 cgroups, man 5 proc). An error has the code `not_found`: no such
/// hierarchy is mounted, or the directory is outside of what is mounted.
[[nodiscard]] result<std::filesystem::path> cgroup_directory(std::string_view memberships, std::string_view mounts);

/// A control group that is ready for groups of children.
struct taken_cgroup {
  std::filesystem::path directory;
  std::vector<std::filesystem::path> left;  ///< groups of children in it whose daemon has ended
};

/// The groups of children in `directory` whose daemon is no process of the group `daemons`, or was one with the id of
/// this process: `child-<id>-<number>`.
[[nodiscard]] std::vector<std::filesystem::path> left_child_groups(const std::filesystem::path& directory,
                                                                   const std::filesystem::path& daemons);

/// Makes the control group of this process ready for groups of children with a limit of memory. Children are put into
/// directories `child-*` of it. A control group may have limited groups below it only if it has no process itself, so
/// all its processes are moved into the group `daemon` below it. Several daemons may do this in one group: one may have
/// started the other.
///
/// An error says why memory cannot be limited this way: there is no hierarchy of version 2 with the memory controller
/// and `cgroup.kill` (Linux 5.14), it cannot be written, or the group was not delegated to this process. systemd marks
/// a delegated group with the extended attribute `user.delegate` or `trusted.delegate` (systemd.io/CGROUP_DELEGATION);
/// a group without it may have processes of others.
[[nodiscard]] result<taken_cgroup> take_over_cgroup();

}  // namespace millrace::loop
