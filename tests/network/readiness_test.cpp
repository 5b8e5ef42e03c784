#include "network/readiness.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/error.hpp>

#include "network/plain_socket.hpp"
#include "support/catch.hpp"

using namespace millrace;

namespace {

/// A socket that is watched, and its other end.
struct line final : network::readiness_listener {
  explicit line(network::readiness& by) : line{by, new_pair()} {}
  line(network::readiness& by, std::pair<int, int> ends) : at{by}, near{ends.first}, far{ends.second} {}
  ~line() { end(); }

  void watch() {
    REQUIRE_FALSE(at.add(near.descriptor(), *this));
    watched = true;
  }
  void end() {
    if (std::exchange(watched, false)) at.remove(near.descriptor(), *this);
  }
  void on_ready(network::ready_events events) override {
    news.push_back(events);
    if (then) then();
  }
  std::string read() {
    char bytes[100];
    const auto [got, failure] = near.receive(bytes);
    return failure ? failure.message() : std::string{bytes, got};
  }

  static std::pair<int, int> new_pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    return {ends[0], ends[1]};
  }

  network::readiness& at;
  network::plain_socket near;
  network::plain_socket far;
  std::vector<network::ready_events> news;
  std::function<void()> then;
  bool watched{false};
};

struct readiness_fixture {
  loop::event_loop loop{loop::clock_kind::manual};
  network::readiness sockets{loop};
};

}  // namespace

TEST_CASE("each change is announced once, also the state before the socket was watched") {
  readiness_fixture fixture;
  line one{fixture.sockets};
  REQUIRE(one.far.send(std::string_view{"a"}).bytes == 1);
  one.watch();
  fixture.loop.run_ready();
  REQUIRE(one.news.size() == 1);
  CHECK(one.news[0].readable);
  CHECK_FALSE(one.news[0].writable);
  CHECK_FALSE(one.news[0].peer_shutdown);
  fixture.loop.run_ready();
  CHECK(one.news.size() == 1);
  REQUIRE(one.far.send(std::string_view{"b"}).bytes == 1);
  fixture.loop.run_ready();
  CHECK(one.news.size() == 2);
  CHECK(one.read() == "ab");
}

TEST_CASE("a shutdown of the peer and a hang-up are distinguished") {
  readiness_fixture fixture;
  line one{fixture.sockets}, other{fixture.sockets};
  one.watch();
  other.watch();
  ::shutdown(one.far.descriptor(), SHUT_WR);
  other.far.close();
  fixture.loop.run_ready();
  REQUIRE(one.news.size() == 1);
  CHECK(one.news[0].peer_shutdown);
  CHECK_FALSE(one.news[0].hung_up);
  REQUIRE(other.news.size() == 1);
  CHECK(other.news[0].hung_up);
}

TEST_CASE("writability is announced to those that asked, each time after the buffer was full") {
  readiness_fixture fixture;
  line one{fixture.sockets};
  one.watch();
  const std::string much(1u << 20, 'x');
  std::vector<char> drain(much.size() * 2);
  for (int time = 1; time <= 3; ++time) {
    while (!one.near.send(std::string_view{much}).failure) {
    }
    if (time == 1) one.at.watch_writable(one.near.descriptor(), one);
    fixture.loop.run_ready();
    CHECK(one.news.empty());
    while (!one.far.receive(drain).failure) {
    }
    fixture.loop.run_ready();
    REQUIRE_FALSE(one.news.empty());
    CHECK(one.news.back().writable);
    one.news.clear();
  }
}

TEST_CASE("nothing is announced to a removed socket, not even a pending event") {
  readiness_fixture fixture;
  line one{fixture.sockets}, other{fixture.sockets};
  for (auto* const it : {&one, &other}) {
    it->watch();
    REQUIRE(it->far.send(std::string_view{"a"}).bytes == 1);
  }
  one.then = [&] { other.end(); };
  other.then = [&] { one.end(); };
  fixture.loop.run_ready();
  CHECK(one.news.size() + other.news.size() == 1);
}

TEST_CASE("the loop runs as long as any is watched, and it can begin again when there was none") {
  loop::event_loop loop;
  network::readiness sockets{loop};
  for (int time = 0; time < 2; ++time) {
    line one{sockets}, other{sockets};
    for (auto* const it : {&one, &other}) {
      it->watch();
      REQUIRE(it->far.send(std::string_view{"a"}).bytes == 1);
      it->then = [it] { it->end(); };
    }
    loop.run();
    CHECK(one.news.size() + other.news.size() == 2);
  }
  line first{sockets}, second{sockets};
  first.watch();
  first.end();
  second.watch();
  second.then = [&] { second.end(); };
  second.far.close();
  loop.run();
  CHECK(second.news.size() == 1);
}

TEST_CASE("all events are announced, also more than fit into one turn") {
  readiness_fixture fixture;
  std::vector<std::unique_ptr<line>> all;
  for (int n = 0; n < 3 * network::readiness::events_per_turn + 1; ++n) {
    auto& one = *all.emplace_back(std::make_unique<line>(fixture.sockets));
    one.watch();
    REQUIRE(one.far.send(std::string_view{"a"}).bytes == 1);
  }
  fixture.loop.run_ready();
  for (const auto& one : all) CHECK(one->news.size() == 1);
}

TEST_CASE("what cannot be watched is an error") {
  readiness_fixture fixture;
  line one{fixture.sockets};
  network::plain_socket none{-1};
  CHECK(fixture.sockets.add(none.descriptor(), one));
  CHECK(none.receive(std::span<char>{}).failure);
}
