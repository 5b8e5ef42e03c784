#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "http/server.hpp"
#include "support/loop_thread.hpp"
#include "support/raw_client.hpp"

namespace millrace::testing {

/// An HTTP server on a loop with a thread of its own. Add routes, then call `open`. The destructor closes it.
class http_fixture {
 public:
  explicit http_fixture(http::connection_limits limits = {}, std::uint32_t connections_max = 2'000)
      : limits_{limits}, connections_max_{connections_max} {}
  ~http_fixture() { close(); }
  http_fixture(const http_fixture&) = delete;
  http_fixture& operator=(const http_fixture&) = delete;

  void open() {
    server.emplace(thread.loop(), routes, limits_);
    server->open({network::parse_address("127.0.0.1:0").value(), connections_max_}).value();
    thread.start();
  }
  void close(duration timeout = seconds{30}) {
    if (closed_ || !server) return;
    closed_ = true;
    thread.end([this, timeout] { return closing(*this, timeout); });
  }
  /// Called on the loop after the server is closed.
  std::function<loop::awaitable<>()> at_the_end;

  [[nodiscard]] raw_client connect() const { return raw_client::to_port(server->local_address().port); }
  [[nodiscard]] std::uint64_t errors(std::string_view code) {
    return thread.ask([this, code] {
      for (const auto& [error, count] : server->counts().protocol_errors)
        if (error == code) return count.value();
      return std::uint64_t{999'999};
    });
  }

  loop_thread thread;
  http::routes routes;
  std::optional<http::server> server;

 private:
  static loop::awaitable<> closing(http_fixture& fixture, duration timeout) {
    co_await fixture.server->close(timeout);
    if (fixture.at_the_end) co_await fixture.at_the_end();
  }

  http::connection_limits limits_;
  std::uint32_t connections_max_;
  bool closed_{false};
};

/// One answer: the status line with the headers, and the body according to Content-Length.
struct http_answer {
  std::string head;
  std::string body;

  [[nodiscard]] int status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }
  [[nodiscard]] bool has(std::string_view header_line) const {
    return head.find("\r\n" + std::string{header_line} + "\r\n") != std::string::npos;
  }
};

/// Reads one answer after another from a connection.
class http_reader {
 public:
  explicit http_reader(raw_client& from) : from_{from} {}

  /// The head is empty if the server has closed the connection.
  http_answer next(bool has_body = true) {
    http_answer answer;
    const auto end = fill_until("\r\n\r\n");
    if (end == std::string::npos) return answer;
    answer.head = rest_.substr(0, end + 4);
    rest_.erase(0, end + 4);
    const auto length = answer.head.find("Content-Length: ");
    if (length == std::string::npos || !has_body) return answer;
    const auto bytes = std::strtoull(answer.head.c_str() + length + 16, nullptr, 10);
    if (rest_.size() < bytes) rest_ += from_.receive_at_least(bytes - rest_.size());
    answer.body = rest_.substr(0, bytes);
    rest_.erase(0, bytes);
    return answer;
  }

 private:
  std::size_t fill_until(std::string_view mark) {
    for (;;) {
      if (const auto at = rest_.find(mark); at != std::string::npos) return at;
      const auto more = from_.receive();
      if (more.empty()) return std::string::npos;
      rest_ += more;
    }
  }

  raw_client& from_;
  std::string rest_;
};

/// The answer to one request on a new connection.
inline http_answer ask(const http_fixture& fixture, std::string_view request) {
  auto client = fixture.connect();
  client.send(request);
  return http_reader{client}.next(!request.starts_with("HEAD "));
}

inline std::string get(std::string_view path) { return "GET " + std::string{path} + " HTTP/1.1\r\nHost: it\r\n\r\n"; }

}  // namespace millrace::testing
