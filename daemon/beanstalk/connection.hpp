#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "beanstalk/broker_executor.hpp"
#include "beanstalk/conversation.hpp"
#include "broker/decision.hpp"
#include "loop/loop_core.hpp"
#include "network/lingering_close.hpp"
#include "network/listener.hpp"
#include "network/plain_socket.hpp"
#include "network/readiness.hpp"

namespace millrace::beanstalk {

class connection;

/// What all connections share.
struct connection_context : conversation_context {
  static constexpr std::size_t scratch_bytes = 64u << 10;

  connection_context(loop::event_loop& event_loop, broker::broker& job_broker,
                     network::listener_counts& listener_counts, const session_limits& session_limits)
      : conversation_context{session_limits, spare_replies},
        loop{event_loop},
        broker{job_broker},
        listener{listener_counts},
        clients{event_loop} {}

  loop::event_loop& loop;
  broker::broker& broker;
  network::listener_counts& listener;
  server_facts facts;
  network::readiness clients;
  std::array<char, scratch_bytes> scratch{};  ///< holds what was received while it is executed
  std::string spare_replies;
  std::deque<connection*> await_commit;              ///< to be told when more has become durable
  std::function<void(connection&)> on_disconnected;  ///< the connection has released everything: destroy it
};

/// Drives one conversation over a socket: receives when there is something to read, writes the replies that may leave,
/// and keeps the deadline of the first command. Its coroutine only waits for the end. When the conversation has ended
/// and all replies are written, the session begins to release its jobs and queues, a part in each turn. Meanwhile the
/// socket lingers (lingering_close).
///
/// Owned by `connection_set`, which destroys it when `on_disconnected` is called: its coroutine has ended, the broker
/// has taken its session back, and no callback is pending. Loop thread only. Limits: `session_limits`.
class connection final : private loop::ready_entry,
                         private network::readiness_listener,
                         private broker::decision_taker,
                         private reply_sink {
 public:
  connection(connection_context& context, network::stream_socket socket);

  /// Until the client or the server ends the connection.
  loop::awaitable<> serve();
  /// Called when the coroutine has ended, by itself or by cancellation.
  void on_task_ended();
  /// See conversation. Both may be called at any time.
  void drain();
  void finish();
  [[nodiscard]] bool has_work() const { return phase_ == phase::open && conversation_.has_work(); }
  [[nodiscard]] bool has_session(session_id session) const noexcept { return executor_.session() == session; }
  /// The client, for people; empty when it is gone.
  [[nodiscard]] std::string peer_name() const;
  /// More has become durable, or nothing does any more.
  void on_durable();

 private:
  enum class phase : std::uint8_t {
    open,
    lingering,  ///< the conversation has ended; input is discarded
    closed,     ///< the socket is closed
    released    ///< the coroutine has ended
  };

  void on_ready(network::ready_events events) override;
  void on_decision(broker::decision&& decision) noexcept override;
  void resume() override;
  void flush() override;

  template <class Function>
  void guarded(const Function& function);
  void read();
  void read_more();
  void look_for_end();
  void schedule();
  void end();
  void end_conversation();
  void close();
  void leave();
  void release();
  [[nodiscard]] instant now() const noexcept { return context_.loop.now(); }

  connection_context& context_;
  network::plain_socket socket_;
  loop::task_record& task_;
  broker_executor executor_;
  conversation conversation_;
  loop::deadline first_command_;
  loop::wait_point ended_;
  std::unique_ptr<network::lingering_close> lingering_;
  std::exception_ptr thrown_;  ///< for the coroutine
  phase phase_{phase::open};
  bool watched_{false};    ///< by `clients`
  bool scheduled_{false};  ///< in the loop's list of what is ready
  bool in_commit_queue_{false};
  bool may_read_{false};  ///< there may be something to read that is not announced again
  bool urgent_{false};    ///< urgent data came, which cuts a receive short
  bool hung_up_{false};   ///< the client takes nothing any more
  bool awaits_writable_{false};
  bool watches_writable_{false};
};

}  // namespace millrace::beanstalk
