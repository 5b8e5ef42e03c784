#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "http/server.hpp"
#include "support/loop_thread.hpp"
#include "support/raw_client.hpp"

namespace millrace::testing {

/// An HTTP server on a loop of its own. `add` routes, then `open`; closes itself.
class http_door {
 public:
  explicit http_door(http::session_limits limits = {}, std::uint32_t connections_max = 2'000)
      : limits_{limits}, connections_max_{connections_max} {}
  ~http_door() { close(); }
  http_door(const http_door&) = delete;
  http_door& operator=(const http_door&) = delete;

  void open() {
    server.emplace(thread.loop(), routes, limits_);
    server->open({network::parse_address("127.0.0.1:0").value(), connections_max_}).value();
    thread.start();
  }
  void close(duration patience = seconds{30}) {
    if (closed_ || !server) return;
    closed_ = true;
    thread.end([this, patience] { return closing(*this, patience); });
  }
  /// Runs after the server is closed, still on the loop.
  std::function<loop::awaitable<>()> at_the_end;

  [[nodiscard]] raw_client connect() const { return raw_client::to_port(server->local_address().port); }
  [[nodiscard]] std::uint64_t errors(std::string_view code) {
    return thread.ask([this, code] {
      for (const auto& [known, count] : server->counts().protocol_errors)
        if (known == code) return count.value();
      return std::uint64_t{999'999};
    });
  }

  loop_thread thread;
  http::routes routes;
  std::optional<http::server> server;

 private:
  static loop::awaitable<> closing(http_door& it, duration patience) {
    co_await it.server->close(patience);
    if (it.at_the_end) co_await it.at_the_end();
  }

  http::session_limits limits_;
  std::uint32_t connections_max_;
  bool closed_{false};
};

/// One answer as it came: status line and headers, and the body by its Content-Length.
struct http_answer {
  std::string head;
  std::string body;

  [[nodiscard]] int status() const { return head.size() > 12 ? std::atoi(head.c_str() + 9) : 0; }
  [[nodiscard]] bool has(std::string_view header_line) const {
    return head.find("\r\n" + std::string{header_line} + "\r\n") != std::string::npos;
  }
};

/// Reads answers off a connection, one after another.
class http_reader {
 public:
  explicit http_reader(raw_client& from) : from_{from} {}

  /// An empty head when the other side has closed instead.
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

/// The answer to one request on a connection of its own.
inline http_answer ask(const http_door& door, std::string_view request) {
  auto client = door.connect();
  client.send(request);
  return http_reader{client}.next(!request.starts_with("HEAD "));
}

inline std::string get(std::string_view path) { return "GET " + std::string{path} + " HTTP/1.1\r\nHost: it\r\n\r\n"; }

}  // namespace millrace::testing
