#include "beanstalk/connection.hpp"

#include <span>
#include <utility>

#include <boost/asio/error.hpp>

#include "beanstalk/protocol_errors.hpp"
#include "network/peer_credentials.hpp"

namespace millrace::beanstalk {

namespace asio = boost::asio;

namespace {

/// Received at once from one client while the memory held for all is short.
constexpr std::size_t short_read_bytes = 1u << 10;

}  // namespace

connection::connection(connection_context& context, network::stream_socket socket)
    : context_{context},
      socket_{std::move(socket)},
      task_{context.loop.core().current()},
      executor_{context.loop, context.broker, context, context.facts, *this},
      conversation_{context, executor_, *this},
      first_command_{context.loop,
                     [this] {
                       context_.listener.protocol_error(protocol_errors::silent);
                       end();
                     }},
      ended_{context.loop, "client"} {}

loop::awaitable<> connection::serve() {
  if (const auto failure = context_.clients.add(socket_.descriptor(), *this))
    throw boost::system::system_error{failure, "epoll_ctl"};
  watched_ = true;
  first_command_.set(after(now(), context_.limits.first_command_deadline));
  while (phase_ == phase::open || phase_ == phase::lingering) co_await ended_.wait();
  // The session begins to close while the listener still counts the connection. `release` closes the rest of a session
  // with many jobs.
  static_cast<void>(executor_.close_session());
  if (thrown_) std::rethrow_exception(thrown_);
}

/// An exception ends the coroutine, and with it this connection alone.
template <class Function>
void connection::guarded(const Function& function) {
  loop::resumption running{task_};
  try {
    function();
  } catch (...) {
    thrown_ = std::current_exception();
    close();
  }
}

// --- reading --------------------------------------------------------------------------------------------------------

void connection::on_ready(network::ready_events events) {
  guarded([this, events] {
    may_read_ = may_read_ || events.readable;
    urgent_ = urgent_ || events.urgent;
    hung_up_ = hung_up_ || events.hung_up;
    if (events.peer_shutdown && !events.hung_up) conversation_.on_peer_shutdown();
    if (events.writable && std::exchange(awaits_writable_, false)) flush();
    if (!scheduled_) read();
  });
}

/// Receives once, into the buffer that all connections share. So many commands of a busy client cost one call, an idle
/// client costs no memory, and the other clients have their turns.
void connection::read() {
  if (phase_ != phase::open || !may_read_) return;
  if (!conversation_.wants_input()) return look_for_end();
  const auto buffer =
      std::span{context_.scratch}.first(context_.has_memory_for(0) ? context_.scratch.size() : short_read_bytes);
  const auto [received, failure] = socket_.receive(buffer);
  if (failure == asio::error::would_block) {
    may_read_ = false;
  } else if (failure == asio::error::eof) {
    may_read_ = false;
    conversation_.end_input(now());
    flush();
  } else if (failure) {
    close();
  } else {
    // A receive that did not fill the buffer took everything, and new bytes are announced. But an end is announced
    // once, and urgent data cuts a receive short.
    may_read_ = received == buffer.size() || conversation_.peer_has_shut_down() || hung_up_ || urgent_;
    conversation_.receive({context_.scratch.data(), received}, now());
    if (conversation_.has_spoken() && first_command_.when() != never) first_command_.clear();
    flush();
    read_more();
  }
}

/// At a later turn, if there may be more.
void connection::read_more() {
  if (phase_ != phase::open || !may_read_ || scheduled_) return;
  if (!conversation_.wants_input()) return look_for_end();
  scheduled_ = true;
  context_.loop.core().ready.push_behind(*this);
}

/// For a connection that reads nothing now. Its unread bytes hide the end from a receive.
void connection::look_for_end() {
  if (hung_up_) return close();
  conversation_.stop_waiting(now());
  schedule();
}

// --- turns ----------------------------------------------------------------------------------------------------------

void connection::on_decision(broker::decision&& decision) noexcept {
  conversation_.on_decision(std::move(decision));
  schedule();
}

void connection::schedule() {
  if (scheduled_ || (phase_ == phase::open && !conversation_.wants_turn())) return;
  scheduled_ = true;
  auto& ready = context_.loop.core().ready;
  // What was done in parts goes on when the others have had their turn.
  const bool others_first = phase_ != phase::open || conversation_.current() == conversation::state::yielded;
  if (others_first) {
    ready.push_behind(*this);
  } else {
    ready.push(*this);
  }
}

void connection::resume() {
  scheduled_ = false;
  if (phase_ == phase::released) return release();
  if (phase_ == phase::lingering) return leave();
  if (phase_ == phase::closed) return;
  guarded([this] {
    if (!conversation_.wants_turn()) return read();
    conversation_.proceed(now());
    flush();
    read_more();
  });
}

// --- writing --------------------------------------------------------------------------------------------------------

void connection::flush() {
  if (phase_ != phase::open) return;
  auto& replies = conversation_.replies();
  boost::system::error_code failure;
  if (!awaits_writable_ && !replies.empty()) failure = replies.write(socket_, conversation_.writable_up_to());
  // The next connection of this turn begins where this one ends.
  context_.reply_latency.observe_written(context_.counts, context_.loop.refresh_now());
  if (failure || conversation_.has_lost_replies()) return close();
  if (conversation_.awaits_commit() && !std::exchange(in_commit_queue_, true)) context_.await_commit.push_back(this);
  if (!awaits_writable_ && conversation_.has_writable_replies()) {
    awaits_writable_ = true;
    // Most connections never ask for this event. Once it is asked for, it is announced each time.
    if (!std::exchange(watches_writable_, true)) context_.clients.watch_writable(socket_.descriptor(), *this);
  }
  if (conversation_.must_close(now())) return end();
  schedule();
}

void connection::on_durable() {
  in_commit_queue_ = false;
  flush();
}

// --- the end --------------------------------------------------------------------------------------------------------

void connection::drain() {
  if (phase_ != phase::open || conversation_.current() == conversation::state::closing) return;
  guarded([this] {
    conversation_.drain(now());
    flush();
  });
}

void connection::finish() {
  if (phase_ != phase::open) return;
  guarded([this] {
    conversation_.finish(now());
    flush();
  });
}

/// For a client that may still be sending and should receive all replies.
void connection::end() {
  if (phase_ != phase::open) return;
  // No input can follow.
  if (hung_up_ || conversation_.input_has_ended()) return close();
  end_conversation();
  phase_ = phase::lingering;
  // Before the client sees the end: then its jobs and queues are free for others.
  const bool has_left = executor_.close_session();
  lingering_ = std::make_unique<network::lingering_close>(context_.loop, context_.clients, std::move(socket_),
                                                          context_.scratch, [this] { close(); });
  if (!lingering_->begin()) return close();
  if (!has_left) schedule();
}

void connection::end_conversation() {
  if (std::exchange(watched_, false)) context_.clients.remove(socket_.descriptor(), *this);
  conversation_.abandon(now());
  first_command_.clear();
}

/// At once: the client is gone, or a limit or a failure forces the end.
void connection::close() {
  if (phase_ == phase::closed || phase_ == phase::released) return;
  if (phase_ == phase::open) end_conversation();
  phase_ = phase::closed;
  if (lingering_ != nullptr) lingering_->close();
  socket_.close();
  ended_.wake_all();
}

/// Releases the session in turns while the socket lingers.
void connection::leave() {
  if (!executor_.close_session()) schedule();
}

void connection::on_task_ended() {
  close();
  phase_ = phase::released;
  release();
}

/// Called until nothing is left that could call back.
void connection::release() {
  if (scheduled_) return;
  if (std::exchange(in_commit_queue_, false)) std::erase(context_.await_commit, this);
  if (executor_.close_session()) return context_.on_disconnected(*this);
  schedule();
}

std::string connection::peer_name() const {
  return socket_.is_open() ? network::peer_name_of(socket_.descriptor()) : std::string{};
}

}  // namespace millrace::beanstalk
