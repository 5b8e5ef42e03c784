#include "loop/cgroup_delegation.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace millrace::loop {
namespace {

const std::string both_versions =
    "24 1 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "30 24 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
    "31 24 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate\n";

std::string directory_of(const std::string& memberships, const std::string& mounts) {
  const auto found = cgroup_directory(memberships, mounts);
  return found ? found->string() : found.error().text;
}

std::vector<std::string> sorted_names(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> names;
  names.reserve(paths.size());
  for (const auto& path : paths) names.push_back(path.filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE("the directory of a control group is below the mount of version 2", "[cgroup_delegation]") {
  CHECK(directory_of("4:memory:/a\n0::/system.slice/millraced.service\n", both_versions) ==
        "/sys/fs/cgroup/unified/system.slice/millraced.service");
  CHECK(directory_of("0::/\n", both_versions) == "/sys/fs/cgroup/unified");
}

TEST_CASE("a mount of a part of the hierarchy, as in a container, shows what is below that part",
          "[cgroup_delegation]") {
  const std::string part = "31 24 0:27 /box/a\\040b /mnt/control\\040groups rw - cgroup2 none rw\n";
  CHECK(directory_of("0::/box/a b/inner\n", part) == "/mnt/control groups/inner");
  CHECK(directory_of("0::/box/a b\n", part) == "/mnt/control groups");
  CHECK(directory_of("0::/elsewhere\n", part) == "the control group /elsewhere is outside of /mnt/control groups");
  CHECK(directory_of("0::/../outside\n", part) == "the control group /../outside is outside of /mnt/control groups");
}

TEST_CASE("without version 2 of control groups there is no directory", "[cgroup_delegation]") {
  const std::string missing = "no hierarchy of control groups v2 is mounted";
  CHECK(directory_of("4:memory:/a\n", both_versions) == missing);
  CHECK(directory_of("0::/a\n", "30 24 0:26 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n") ==
        missing);
  CHECK(directory_of("0::/a\n", "30 24 0:26 / /x rw -\nno mount\n\n") == missing);
  CHECK(directory_of("", "") == missing);
}

TEST_CASE("groups of children of another daemon that runs are not left ones", "[cgroup_delegation]") {
  std::string pattern = (std::filesystem::temp_directory_path() / "millrace-groups-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::filesystem::path folder{pattern};
  const std::string own = "child-" + std::to_string(::getpid()) + "-3";
  for (const std::string& name : {std::string{"daemon"}, std::string{"child-71-1"}, std::string{"child-7-1"},
                                  std::string{"child-7-2"}, own, std::string{"other"}})
    std::filesystem::create_directory(folder / name);
  std::ofstream{folder / "daemon" / "cgroup.procs"} << "5\n71\n" << ::getpid() << "\n";
  std::vector<std::string> expected{"child-7-1", "child-7-2", own};
  std::ranges::sort(expected);
  CHECK(sorted_names(left_child_groups(folder, folder / "daemon")) == expected);
  CHECK(left_child_groups(folder / "missing", folder).empty());
  std::filesystem::remove_all(folder);
}

}  // namespace millrace::loop
