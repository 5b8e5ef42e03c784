#include "network/outbox.hpp"

#include <optional>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "network/plain_socket.hpp"
#include "support/catch.hpp"

using namespace millrace;

namespace {

/// A connection whose other end is read by hand.
struct line {
  line() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    const int small = 4'096;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    near.emplace(ends[0]);
    far = ends[1];
  }
  ~line() { hang_up(); }
  void hang_up() {
    if (far >= 0) ::close(std::exchange(far, -1));
  }
  /// All received bytes.
  std::string read() {
    std::string all;
    char bytes[4'096];
    for (ssize_t got = 0; (got = ::read(far, bytes, sizeof bytes)) > 0;)
      all.append(bytes, static_cast<std::size_t>(got));
    return all;
  }

  std::optional<network::plain_socket> near;
  int far{-1};
};

std::string letters(std::size_t count, char first) {
  std::string all(count, ' ');
  for (std::size_t n = 0; n < count; ++n) all[n] = static_cast<char>(first + static_cast<char>(n % 23));
  return all;
}

}  // namespace

TEST_CASE("appended bytes are written at once, and the lent buffer is returned") {
  line to;
  std::string spare;
  spare.reserve(10'000);
  const auto lent = spare.capacity();
  network::outbox out{spare};
  out.append_buffer() += "INSERTED 1\r\n";
  CHECK(spare.capacity() < lent);
  out.add(body{"abc"}, "\r\n");
  CHECK(out.bytes() == 17);
  CHECK_FALSE(out.write(*to.near));
  CHECK(out.empty());
  CHECK(spare.capacity() == lent);
  CHECK(to.read() == "INSERTED 1\r\nabc\r\n");
}

TEST_CASE("large bodies keep their place, however little the system takes at a time") {
  line to;
  std::string spare;
  network::outbox out{spare};
  std::string expected;
  for (int n = 0; n < 12; ++n) {
    const auto text = "RESERVED " + std::to_string(n) + "\r\n";
    const auto content =
        letters(n % 3 == 0 ? 10u : network::outbox::large_body_bytes * 2 + static_cast<unsigned>(n), 'a');
    out.append_buffer() += text;
    out.add(body{content}, "\r\n");
    expected += text + content + "\r\n";
  }
  CHECK(out.bytes() == expected.size());
  std::string got;
  int writes = 0;
  while (!out.empty()) {
    const auto before = out.bytes();
    REQUIRE_FALSE(out.write(*to.near));
    const auto more = to.read();
    CHECK(before - out.bytes() == more.size());
    got += more;
    if (++writes == 3) {  // what is appended meanwhile comes behind
      out.append_buffer() += "TIMED_OUT\r\n";
      expected += "TIMED_OUT\r\n";
    }
  }
  CHECK(writes > 3);
  CHECK(got == expected);
}

TEST_CASE("a connection that has ended is an error, and what was meant for it can be forgotten") {
  line to;
  std::string spare;
  network::outbox out{spare};
  out.append_buffer() += "DELETED\r\n";
  to.hang_up();
  CHECK(out.write(*to.near));
  CHECK_FALSE(out.empty());
  out.clear();
  CHECK(out.empty());
}

TEST_CASE("what a client leaves unread keeps no buffer that was made for more") {
  line to;
  std::string spare;
  network::outbox out{spare};
  out.append_buffer() += std::string(1u << 20, 'x');
  while (out.bytes() > 20'000) {
    REQUIRE_FALSE(out.write(*to.near));
    to.read();
  }
  REQUIRE_FALSE(out.write(*to.near));
  REQUIRE_FALSE(out.empty());
  CHECK(out.held_bytes() <= 2 * 20'000 + 8'192);
  CHECK(spare.capacity() >= 1u << 20);

  line other;
  network::outbox small{spare};
  small.append_buffer() += "DELETED\r\n";
  REQUIRE_FALSE(small.write(*other.near, 2));
  CHECK(small.held_bytes() < 4'096 + 64);
  CHECK(spare.capacity() >= 1u << 20);
}

TEST_CASE("the pieces to write begin behind what was written and end at the given position") {
  std::string spare;
  network::outbox box{spare};
  const std::string large(network::outbox::large_body_bytes, 'x');
  box.append_buffer() = "ab";
  box.add(body{large}, "\r\n");
  const auto text_of = [&box](std::uint64_t up_to) {
    network::outbox::pieces some;
    box.gather(some, up_to);
    std::string text;
    for (std::size_t n = 0; n < some.count; ++n)
      text.append(static_cast<const char*>(some.list[n].iov_base), some.list[n].iov_len);
    CHECK(text.size() == some.bytes);
    return text;
  };
  CHECK(text_of(network::outbox::all) == "ab" + large + "\r\n");
  CHECK(text_of(1) == "a");
  box.mark_written(1);
  CHECK(box.written_total() == 1);
  CHECK(text_of(1).empty());
  CHECK(text_of(5) == "bxxx");
  box.mark_written(1 + large.size());
  CHECK(text_of(network::outbox::all) == "\r\n");
  box.mark_written(2);
  CHECK(box.empty());
  CHECK(box.written_total() == box.appended_total());
}
