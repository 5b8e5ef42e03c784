#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "network/client_stream.hpp"
#include "network/http_client_counts.hpp"

namespace millrace::network {

/// Decides which task may have a connection and which connections are kept. One origin (scheme, host and port) has at
/// most `per_origin_max`, in use and kept together. Further tasks wait in the order in which they came. A stream is
/// closed after it was kept for `idle_time` without use. When more than `kept_max` are kept, the one that has been kept
/// longest is closed.
///
/// Owned by a client; loop thread only. While a stream is kept, a deadline keeps the loop running. Requires: no lease
/// exists when it is destroyed, and `counts` outlives it.
class http_connections {
 private:
  struct origin;

 public:
  http_connections(loop::event_loop& loop, std::uint32_t per_origin_max, std::size_t kept_max, duration idle_time,
                   http_client_counts& counts);
  ~http_connections() { counts_.kept -= kept_.size(); }
  http_connections(const http_connections&) = delete;
  http_connections& operator=(const http_connections&) = delete;

  /// The right to one connection, with a stream that is open or is to be opened.
  class lease {
   public:
    lease(lease&& other) noexcept
        : owner_{std::exchange(other.owner_, nullptr)},
          origin_{other.origin_},
          stream_{std::move(other.stream_)},
          is_kept_{other.is_kept_},
          keeps_{other.keeps_} {}
    lease& operator=(lease&&) = delete;
    ~lease();

    [[nodiscard]] client_stream& stream() noexcept { return *stream_; }
    /// The stream was used before.
    [[nodiscard]] bool is_kept() const noexcept { return is_kept_; }
    /// Replaces the stream by a closed one.
    void renew();
    /// Keeps the stream when the lease ends. Without this call it is closed.
    void keep() noexcept { keeps_ = true; }

   private:
    friend class http_connections;
    lease(http_connections& owner, origin& from) : owner_{&owner}, origin_{&from} {}

    http_connections* owner_;  ///< null: moved from
    origin* origin_;
    std::unique_ptr<client_stream> stream_;
    bool is_kept_{false};
    bool keeps_{false};
  };

  loop::awaitable<lease> acquire(std::string name);

  [[nodiscard]] std::size_t open() const noexcept { return leases_ + kept_.size(); }

 private:
  struct kept {
    std::unique_ptr<client_stream> stream;
    origin* from;
    instant until;
  };
  struct origin {
    origin(loop::event_loop& loop, std::string key) : name{std::move(key)}, capacity{loop, "a connection"} {}

    std::string name;
    std::uint32_t leases{0};
    std::uint32_t promised{0};                    ///< tasks that were woken and have not taken their lease yet
    std::vector<std::list<kept>::iterator> idle;  ///< the last one was used last
    loop::wait_point capacity;
  };

  [[nodiscard]] bool is_full(const origin& of) const noexcept { return of.leases + of.promised >= per_origin_max_; }
  std::unique_ptr<client_stream> take_quiet(origin& from);
  void release(lease& ended);
  void close_oldest();
  void close_expired();
  void forget_if_unused(origin& of);
  /// Suspends until a request of this origin may have a connection.
  loop::awaitable<> wait_for_capacity(origin& of);

  loop::event_loop& loop_;
  std::uint32_t per_origin_max_;
  std::size_t kept_max_;
  duration idle_time_;
  http_client_counts& counts_;
  std::size_t leases_{0};
  std::map<std::string, std::unique_ptr<origin>> origins_;
  std::list<kept> kept_;  ///< the first one has been kept longest
  loop::deadline next_expiry_;
};

}  // namespace millrace::network
