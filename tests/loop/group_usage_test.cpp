#include "loop/group_usage.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>

#include "support/catch.hpp"

namespace millrace::loop {

TEST_CASE("the line of a process is parsed, whatever its name is", "[group_usage]") {
  const std::string rest =
      " S 7 4711 7 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 1000 9000000 256 18446744073709551615 1 1 0 0\n";
  for (const std::string name : {"sh", "a b", "a) b", "(", ") S 1 2 3", ""}) {
    CAPTURE(name);
    const auto usage = parse_process_usage("4712 (" + name + ")" + rest);
    REQUIRE(usage.has_value());
    CHECK(usage->process == 4712);
    CHECK(usage->group == 4711);
    CHECK(usage->name == name);
    CHECK(usage->memory == 256 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    CHECK(usage->cpu == milliseconds{250L * 1'000L / ::sysconf(_SC_CLK_TCK)});
  }
}

TEST_CASE("a text that is no line of a process is none", "[group_usage]") {
  for (const std::string text :
       {"", "4712", "4712 (sh", "4712 sh) S 1", "(sh) S 1 2", "x (sh) S 1 2", "4712 (sh) S 1 2 3",
        "4712 (sh) S 7 x 7 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 1000 9000000 256 1", ")4712(", "4712 )("}) {
    CAPTURE(text);
    CHECK_FALSE(parse_process_usage(text).has_value());
  }
}

TEST_CASE("the processes of a group are counted together, and others are not", "[group_usage]") {
  // The two processes of one group, and one of another group.
  std::array<pid_t, 3> processes{};
  for (std::size_t n = 0; n < processes.size(); ++n) {
    processes[n] = ::fork();
    const pid_t group = n == 1 ? processes[0] : 0;
    if (processes[n] == 0) {
      ::setpgid(0, group);
      for (;;) ::pause();
    }
    ::setpgid(processes[n], group == 0 ? processes[n] : group);
  }
  const pid_t missing = processes[1];  // it leads no group
  const std::array<pid_t, 2> asked{processes[0], missing};
  const auto all = usage_of_groups(asked);
  const std::array<pid_t, 1> alone{processes[2]};
  const auto other = usage_of_groups(alone);
  for (const pid_t process : processes) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  REQUIRE(all.size() == 1);
  const group_usage& usage = all.at(processes[0]);
  CHECK(usage.memory > usage.largest.memory);
  CHECK((usage.largest.process == processes[0] || usage.largest.process == processes[1]));
  CHECK(usage.largest.name.starts_with("loop_tests"));
  REQUIRE(other.contains(processes[2]));
  CHECK(other.at(processes[2]).memory == other.at(processes[2]).largest.memory);
}

}  // namespace millrace::loop
