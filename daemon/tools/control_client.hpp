#pragma once

#include <string>

#include <boost/json/value.hpp>
#include <millrace/base/result.hpp>

#include "network/http_exchange.hpp"
#include "network/options.hpp"

namespace millrace::tools {

struct control_reply {
  unsigned status{0};
  boost::json::value content;

  [[nodiscard]] bool is_success() const noexcept { return status >= 200 && status < 300; }
};

/// The control API of a daemon, for a program that asks one thing after another and waits for each answer. Each request
/// has a connection of its own.
class control_client {
 public:
  /// Longer than the daemon holds any answer but that of a reload, which checks files and drains consumers.
  static constexpr duration answer_timeout = minutes{10};
  static constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;

  explicit control_client(network::address server) : server_{std::move(server)} {}

  /// The error: the daemon cannot be reached, or does not speak HTTP and JSON.
  [[nodiscard]] result<control_reply> ask(network::http_request request) const;
  [[nodiscard]] result<control_reply> get(std::string target) const { return ask({"GET", std::move(target)}); }
  [[nodiscard]] result<control_reply> post(std::string target, const boost::json::value& body) const;

 private:
  network::address server_;
};

}  // namespace millrace::tools
