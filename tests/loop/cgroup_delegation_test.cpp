#include "loop/cgroup_delegation.hpp"

#include <string>

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

}  // namespace millrace::loop
