#include "network/name_resolver.hpp"

#include <atomic>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include <millrace/loop/deadline.hpp>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using network::name_resolver;

namespace {

using answers = std::vector<std::optional<result<network::ip_addresses>>>;

loop::awaitable<> resolve(name_resolver& names, std::string host, std::optional<result<network::ip_addresses>>& into) {
  auto resolving = names.resolve(std::move(host));
  into = co_await std::move(resolving);
}

/// A loop, and a resolver whose lookups the test answers.
struct resolver_fixture {
  explicit resolver_fixture(name_resolver::lookup_function look_up, loop::clock_kind clock = loop::clock_kind::real)
      : loop{clock}, names{loop, std::move(look_up)} {}

  result<network::ip_addresses> ask(const std::string& host) {
    std::optional<result<network::ip_addresses>> answer;
    tasks.spawn("ask", resolve(names, host, answer));
    loop.run();
    return *answer;
  }

  loop::event_loop loop;
  name_resolver names;
  loop::task_scope tasks{loop};
};

}  // namespace

TEST_CASE("a name has the addresses of the system in their order, and a number is its own address") {
  std::atomic<int> lookups{0};
  resolver_fixture fixture{[&](const std::string& host) -> result<std::string> {
    ++lookups;
    if (host == "two.example") return std::string{"::1\n127.0.0.9\n"};
    if (host == "none.example") return std::string{};
    return error{errc::io, host + ": no such name"};
  }};
  const auto two = fixture.ask("two.example").value();
  REQUIRE(two.size() == 2);
  CHECK(two[0].to_string() == "::1");
  CHECK(two[1].to_string() == "127.0.0.9");
  CHECK(fixture.ask("none.example").error().text == "none.example: the name has no address");
  CHECK(fixture.ask("other.example").error().text == "other.example: no such name");
  CHECK(lookups == 3);
  CHECK(fixture.ask("10.1.2.3").value().front().to_string() == "10.1.2.3");
  CHECK(fixture.ask("::2").value().front().to_string() == "::2");
  CHECK(fixture.ask("localhost").value().front().to_string() == "127.0.0.1");
  CHECK(lookups == 3);
}

TEST_CASE("tasks that want one name at the same time share one lookup") {
  std::atomic<int> lookups{0};
  resolver_fixture fixture{[&](const std::string&) -> result<std::string> {
    ++lookups;
    return std::string{"127.0.0.9\n"};
  }};
  answers all(100);
  for (auto& each : all) fixture.tasks.spawn("ask", resolve(fixture.names, "one.example", each));
  fixture.loop.run();
  for (const auto& each : all) CHECK(each->value().front().to_string() == "127.0.0.9");
  CHECK(lookups == 1);
}

TEST_CASE("an answer is used again for a time, and a failure for a shorter one") {
  std::atomic<int> lookups{0};
  resolver_fixture fixture{[&](const std::string& host) -> result<std::string> {
                             ++lookups;
                             if (host == "bad.example") return error{errc::io, "no"};
                             return std::string{"127.0.0.9\n"};
                           },
                           loop::clock_kind::manual};
  const auto ask = [&fixture](const std::string& host) {
    std::optional<result<network::ip_addresses>> answer;
    fixture.tasks.spawn("ask", resolve(fixture.names, host, answer));
    while (!answer) fixture.loop.run_ready();
  };
  const auto asked_after = [&](const std::string& host, duration length) {
    fixture.loop.advance(length);
    const int before = lookups;
    ask(host);
    return lookups != before;
  };
  CHECK(asked_after("good.example", duration::zero()));
  CHECK_FALSE(asked_after("good.example", name_resolver::kept_for - nanoseconds{1}));
  CHECK(asked_after("good.example", nanoseconds{1}));
  CHECK(asked_after("bad.example", duration::zero()));
  CHECK_FALSE(asked_after("bad.example", name_resolver::failure_kept_for - nanoseconds{1}));
  CHECK(asked_after("bad.example", nanoseconds{1}));
}

TEST_CASE("a cancelled task stops waiting at once, and lookups that hang do not become more than a few") {
  std::promise<void> end;
  const auto ended = end.get_future().share();
  std::atomic<std::size_t> begun{0};
  resolver_fixture fixture{[ended, &begun](const std::string& host) -> result<std::string> {
    ++begun;
    if (host != "quick.example") ended.wait();
    return std::string{"127.0.0.9\n"};
  }};
  answers all(name_resolver::lookups_max);
  for (std::size_t n = 0; n != all.size(); ++n)
    fixture.tasks.spawn("ask", resolve(fixture.names, "hangs" + std::to_string(n) + ".example", all[n]));
  loop::task_scope other{fixture.loop};
  std::optional<result<network::ip_addresses>> refused;
  std::optional<result<network::ip_addresses>> found;
  other.spawn("story",
              [](resolver_fixture& in, auto& calls, auto& late, auto& at_last, auto& release) -> loop::awaitable<> {
                while (calls != name_resolver::lookups_max) co_await loop::yield(in.loop);
                in.tasks.cancel();
                co_await in.tasks.join();
                co_await resolve(in.names, "quick.example", late);
                release.set_value();
                do {
                  co_await loop::yield(in.loop);
                  co_await resolve(in.names, "quick.example", at_last);
                } while (!at_last->has_value());
              }(fixture, begun, refused, found, end));
  fixture.loop.run();
  for (const auto& each : all) CHECK_FALSE(each);
  CHECK(refused->error().text ==
        "quick.example: the name is not looked up, because 4 earlier lookups have not returned");
  CHECK(found->value().front().to_string() == "127.0.0.9");
}
