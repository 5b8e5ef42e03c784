#include "handlers/exec.hpp"

#include <csignal>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "handlers/program.hpp"
#include "loop/task_scope.hpp"
#include "support/await_death.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

using words = std::vector<std::string>;

exec_options command(const words& items) {
  exec_options options;
  for (const auto& item : items) options.command.push_back(job_template::parse(item).value());
  return options;
}

exec_options script(std::string text) {
  auto options = command({std::move(text)});
  options.shell = true;
  return options;
}

/// How one job ended: its result, `failed: `, `rejected: `, `later: ` or `cancelled`.
std::string text_of_answer(const answer& got) {
  if (const auto wait = got.later_after()) return "later: " + write_duration(*wait);
  if (got.is_over_limit()) return "over limit: " + got.error().text;
  if (got.has_value()) return got->value_or("no text");
  return (got.error().code == errc::rejected ? "rejected: " : "failed: ") + got.error().text;
}

loop::awaitable<> handle(exec& handler, job work, std::string& outcome) {
  auto handling = handler.handle(std::move(work));
  const answer got = co_await std::move(handling);
  outcome = text_of_answer(got);
}

loop::awaitable<> handle_with_timeout(loop::event_loop& loop, exec& handler, job work, duration timeout,
                                      std::string& outcome) {
  auto handling = handler.handle(std::move(work));
  const auto got = co_await loop::with_timeout(loop, std::move(handling), after(loop.now(), timeout));
  outcome = got ? text_of_answer(*got) : "timeout";
}

struct exec_fixture : handler_fixture {
  exec_fixture() : handler_fixture{loop::clock_kind::real} { std::signal(SIGPIPE, SIG_IGN); }
};

/// The outcome of one job; nothing is left of its command.
std::string run(const exec_options& options, std::string_view content = {}) {
  exec_fixture fixture;
  exec handler{options, fixture.context};
  std::string outcome;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("job", handle(handler, job_with(content), outcome));
  fixture.output.close();
  fixture.loop.run();
  CHECK(fixture.children.running() == 0);
  return outcome;
}

std::string run_with_timeout(const exec_options& options, duration timeout) {
  exec_fixture fixture;
  exec handler{options, fixture.context};
  std::string outcome;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("job", handle_with_timeout(fixture.loop, handler, job_with({}), timeout, outcome));
  fixture.output.close();
  fixture.loop.run();
  CHECK(fixture.children.running() == 0);
  return outcome;
}

}  // namespace

TEST_CASE("exec gives the body to a command, and its output is the result without the last newline", "[exec]") {
  CHECK(run(command({"cat"}), "one\ntwo\n") == "one\ntwo");
  CHECK(run(command({"cat"}), "no newline") == "no newline");
  CHECK(run(command({"cat"}), "two newlines\n\n") == "two newlines\n");
  CHECK(run(command({"true"}), "ignored").empty());
  const std::string large(std::size_t{900} * 1024, 'x');
  CHECK(run(command({"cat"}), large) == large);
}

TEST_CASE("exec fills placeholders in arguments and variables, without a shell in between", "[exec]") {
  CHECK(run(command({"echo", "${body}", "${id}", "${attempt}", "$HOME; ls"}), "a  b") == "a  b 1 1 $HOME; ls");
  auto options = script("echo \"$NAME $1 $0\"");
  options.command.push_back(job_template::parse("${body}").value());
  options.environment.push_back(exec_variable::parse("NAME=job ${id}").value());
  options.environment.push_back(exec_variable::parse("PATH=/usr/bin:/bin").value());
  CHECK(run(options, "$(id); x") == "job 1 $(id); x sh");
  options = command({"pwd"});
  options.directory = "/usr";
  CHECK(run(options) == "/usr");
  CHECK(run(command({"echo", "${json:/a}"}), "no JSON").starts_with("rejected: `${json:/a}`"));
  CHECK(run(command({"echo", "${body}"}), std::string_view{"a\0b", 3}).starts_with("rejected: a NUL byte"));
}

TEST_CASE("the exit status decides between done, failed, failed for good and later", "[exec]") {
  CHECK(run(script("echo fine; echo warning >&2")) == "fine");
  CHECK(run(script("echo result; echo first >&2; echo second >&2; exit 3")) == "failed: exit status 3: first | second");
  CHECK(run(script("exit 1")) == "failed: exit status 1");
  CHECK(run(script("kill -SEGV $$")) == "failed: killed by SIGSEGV");
  CHECK(run(script("exit 75")) == "later: 1m");
  auto options = script("exit 75");
  options.later_after = seconds{7};
  CHECK(run(options) == "later: 7s");
  options.final_statuses = {64, 75};
  CHECK(run(options) == "rejected: exit status 75");
  CHECK(run(command({"no-such-program"})) == "failed: the program 'no-such-program' is in no directory of PATH");
}

TEST_CASE("the end of a long standard error is kept, as UTF-8 on one line", "[exec]") {
  const std::string outcome = run(script("seq 1 200000 >&2; printf 'last\\377line\\n\\n' >&2; exit 1"));
  CHECK(outcome.starts_with("failed: exit status 1: "));
  CHECK(outcome.ends_with(" | 199999 | 200000 | last\xEF\xBF\xBDline"));
  CHECK(outcome.size() < 2 * error_tail_bytes_max);
}

TEST_CASE("a command that does not read its input, or closes its streams, is no failure by itself", "[exec]") {
  const std::string large(std::size_t{1} << 20U, 'x');
  CHECK(run(script("exec <&-; echo done"), large) == "done");
  CHECK(run(script("echo done; exec >&- 2>&- <&-; exit 0"), large) == "done");
  CHECK(run(script("exec >&- 2>&-; exit 4"), large) == "failed: exit status 4");
}

TEST_CASE("a command that leaves a process behind ends with its own end, and the process is killed", "[exec]") {
  const std::string id = run(script("sleep 1000 & echo $!"));
  REQUIRE_FALSE(id.empty());
  await_death(static_cast<pid_t>(std::stoi(id)));
}

TEST_CASE("output up to output_max is the result, and one byte more fails the job and ends the command", "[exec]") {
  auto options = script("printf 12345678");
  options.output_max = 8;
  CHECK(run(options) == "12345678");
  options = script("echo 12345678");
  options.output_max = 8;
  CHECK(run(options) == "12345678");
  options = script("printf 123456789");
  options.output_max = 8;
  CHECK(run(options).ends_with(" is longer than output_max (8)"));
  for (const char* const more : {"printf '12345678\\nmore'", "echo 12345678; sleep 0.1; printf more", "yes 12345678"}) {
    options = script(more);
    options.output_max = 8;
    CHECK(run(options).ends_with(" is longer than output_max (8)"));
  }
  options = script("trap '' TERM PIPE; yes");
  options.kill_after = milliseconds{20};
  CHECK(run(options).starts_with("over limit: the output of process "));
}

TEST_CASE("a command that uses more memory or processor time than it may is ended, and the answer says how much",
          "[exec]") {
  // sort keeps what it reads, and `:` computes.
  auto options = script("yes 'a line that is kept' | head -c 200000000 | sort -S 1G; sleep 1000");
  options.memory_max = std::uint64_t{40} << 20U;
  const std::string memory = run(options);
  CHECK(memory.starts_with("over limit: process "));
  CHECK(memory.find(" (sort) and its group use ") != std::string::npos);
  CHECK(memory.ends_with(" of memory, more than memory_max (40MiB)"));

  options = script("while :; do :; done");
  options.cpu_max = milliseconds{100};
  const std::string cpu = run(options);
  CHECK(cpu.starts_with("over limit: process "));
  CHECK(cpu.ends_with(" of processor time, more than cpu_max (100ms)"));

  // Too short for the watch.
  options = script("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done");
  options.cpu_max = milliseconds{1};
  CHECK(run(options).find(" of processor time, more than cpu_max (1ms)") != std::string::npos);

  options = script("echo modest");
  options.cpu_max = hours{1};
  options.memory_max = std::uint64_t{1} << 40U;
  CHECK(run(options) == "modest");
}

TEST_CASE("a command that is late gets SIGTERM, then SIGKILL, and the outcome is the timeout", "[exec]") {
  CHECK(run_with_timeout(command({"sleep", "1000"}), milliseconds{20}) == "timeout");
  auto options = script("trap '' TERM; while :; do sleep 1000; done");
  options.kill_after = milliseconds{20};
  CHECK(run_with_timeout(options, milliseconds{20}) == "timeout");
  options.kill_after = duration::zero();
  CHECK(run_with_timeout(options, milliseconds{20}) == "timeout");
  CHECK(run_with_timeout(script("echo in time"), hours{1}) == "in time");
}

TEST_CASE("a command that ends well at SIGTERM is still late", "[exec]") {
  CHECK(run_with_timeout(script("trap 'echo answer; exit 0' TERM; while :; do sleep 0.01; done"), seconds{1}) ==
        "timeout");
}

TEST_CASE("a cancelled job ends its command, and its task sees the cancellation", "[exec]") {
  exec_fixture fixture;
  exec handler{command({"sleep", "1000"}), fixture.context};
  std::string outcome = "cancelled";
  loop::task_scope jobs{fixture.loop};
  loop::task_scope others{fixture.loop};
  const auto id = jobs.spawn("job", handle(handler, job_with({}), outcome));
  const auto cancel = [](exec_fixture& with, task_id cancelled) -> loop::awaitable<> {
    while (with.children.running() == 0) co_await loop::yield(with.loop);
    with.loop.cancel(cancelled);
  };
  others.spawn("cancel", cancel(fixture, id));
  fixture.output.close();
  fixture.loop.run();
  CHECK(outcome == "cancelled");
  CHECK(fixture.children.running() == 0);
}

TEST_CASE("the options of exec are read within their ranges", "[exec]") {
  const auto& table = exec_option_table();
  exec_options given;
  CHECK(table.find("command")->read_list(&given, {"echo", "${body}"}));
  CHECK(table.find("command")->print_list(&given) == words{"echo", "${body}"});
  CHECK_FALSE(table.find("command")->read_list(&given, {"${bdy}"}));
  CHECK(table.find("environment")->read_list(&given, {"A=1", "B=${id}"}));
  CHECK(table.find("environment")->print_list(&given) == words{"A=1", "B=${id}"});
  CHECK_FALSE(table.find("environment")->read_list(&given, {"=1"}));
  CHECK_FALSE(table.find("environment")->read_list(&given, {"A"}));
  CHECK(table.find("final_statuses")->read_list(&given, {"1", "255"}));
  CHECK(table.find("final_statuses")->print_list(&given) == words{"1", "255"});
  for (const char* const wrong : {"0", "256", "-1", "two", ""}) {
    CHECK_FALSE(table.find("final_statuses")->read_list(&given, {wrong}));
  }
  CHECK(table.find("output_max")->read(&given, "1GiB"));
  CHECK_FALSE(table.find("output_max")->read(&given, "2GiB"));
  CHECK(table.find("kill_after")->read(&given, "0s"));
  CHECK_FALSE(table.find("kill_after")->read(&given, "61m"));
  CHECK(given.output_max == std::size_t{1} << 30U);
}
