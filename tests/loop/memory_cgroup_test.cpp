#include "loop/memory_cgroup.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"

#include "loop/child_fixture.hpp"

namespace millrace::loop {

TEST_CASE("only a kill for the limit of the group itself counts", "[memory_cgroup]") {
  CHECK(has_exceeded_kill("low 0\nhigh 0\nmax 81\noom 1\noom_kill 2\noom_group_kill 1\n"));
  // The group above has killed it.
  CHECK_FALSE(has_exceeded_kill("low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 1\n"));
  // The kernel has freed enough, or nothing could be killed.
  CHECK_FALSE(has_exceeded_kill("low 0\nhigh 0\nmax 81\noom 1\noom_kill 0\n"));
  CHECK_FALSE(has_exceeded_kill(""));
}

TEST_CASE("a child that cannot enter its control group runs all the same, and says why", "[memory_cgroup]") {
  const owned_descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  const owned_descriptor unwritable{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  for (const int group : {-1, null.get(), unwritable.get()}) {
    const auto started = spawn(nothing(), {null.get(), null.get(), null.get(), -1, group});
    REQUIRE(started.has_value());
    CHECK(started->cgroup_error == (group == unwritable.get() ? EBADF : 0));
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(started->id), &ended, WEXITED) == 0);
    CHECK(ended.si_status == 0);
  }
}

}  // namespace millrace::loop
