#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

namespace millrace::network {

using ip_addresses = std::vector<boost::asio::ip::address>;

/// Finds the addresses of host names without blocking the loop: each lookup is a call of the system's resolver on a
/// thread of its own. Tasks that want the same name at the same time share one lookup. An answer is used again for
/// `kept_for`, since the system does not tell how long it is valid, and a failure for `failure_kept_for`.
///
/// Owned by a client; loop thread only. A cancelled task stops waiting at once; the call of the system goes on, and
/// counts against `lookups_max` until it returns. If as many calls hang, further lookups fail at once. The destructor
/// does not wait for them. Requires: nobody is in `resolve` then.
class name_resolver {
 public:
  static constexpr std::size_t lookups_max = 4;
  static constexpr std::size_t names_max = 1'000;
  static constexpr duration kept_for = seconds{10};
  static constexpr duration failure_kept_for = seconds{1};

  /// Returns the addresses of a host, one on each line. Called on other threads; may block.
  using lookup_function = std::function<result<std::string>(const std::string& host)>;

  explicit name_resolver(loop::event_loop& loop, lookup_function look_up = ask_system);
  ~name_resolver();
  name_resolver(const name_resolver&) = delete;
  name_resolver& operator=(const name_resolver&) = delete;

  /// At least one address, in the order of the system. An address in numbers is its own answer. `localhost` is
  /// 127.0.0.1.
  loop::awaitable<result<ip_addresses>> resolve(std::string host);

  /// getaddrinfo.
  [[nodiscard]] static result<std::string> ask_system(const std::string& host);

 private:
  struct lookup;
  struct leader;
  struct known {
    result<ip_addresses> answer;
    instant until;
  };

  void keep(const std::string& host, const result<ip_addresses>& answer);
  void forget_returned();

  loop::event_loop& loop_;
  lookup_function look_up_;
  loop::wait_point changed_;  ///< a lookup has ended or was given up
  std::map<std::string, known> known_;
  std::set<std::string> in_progress_;
  std::vector<std::unique_ptr<lookup>> abandoned_;  ///< calls that nobody waits for any more
};

}  // namespace millrace::network
