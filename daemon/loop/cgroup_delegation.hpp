#pragma once

#include <filesystem>
#include <string_view>

#include <millrace/base/result.hpp>

namespace millrace::loop {

/// The directory of this process in the hierarchy of control groups, version 2. The texts are those of
/// /proc/self/cgroup and /proc/self/mountinfo (man 7 cgroups, man 5 proc). An error has the code `not_found`: no such
/// hierarchy is mounted, or the directory is outside of what is mounted.
[[nodiscard]] result<std::filesystem::path> cgroup_directory(std::string_view memberships, std::string_view mounts);

/// Makes the control group of this process ready for groups of children with a limit of memory, and returns its
/// directory. Children are put into directories `child-*` of it. A control group may have limited groups below it only
/// if it has no process itself, so all its processes are moved into the group `daemon` below it. Groups of children
/// that an earlier process has left are removed, with what runs in them.
///
/// An error says why memory cannot be limited this way, and nothing was moved: there is no hierarchy of version 2 with
/// the memory controller, it cannot be written, or the group was not delegated to this process. systemd marks a
/// delegated group with the extended attribute `user.delegate` or `trusted.delegate` (systemd.io/CGROUP_DELEGATION);
/// a group without it may have processes of others.
[[nodiscard]] result<std::filesystem::path> take_over_cgroup();

}  // namespace millrace::loop
