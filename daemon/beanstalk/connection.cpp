#include "beanstalk/connection.hpp"

#include <cassert>
#include <span>
#include <utility>

#include <boost/asio/error.hpp>

#include "beanstalk/protocol_errors.hpp"

namespace millrace::beanstalk {

namespace asio = boost::asio;

namespace {

/// Read at once from one client while the memory held for all is short.
constexpr std::size_t short_read_bytes = 1u << 10;

}  // namespace

connection::connection(surroundings& shared, network::stream_socket socket)
    : shared_{shared},
      socket_{std::move(socket)},
      task_{shared.loop.core().current()},
      reader_{shared.limits.job_bytes_max, &shared.bodies},
      dialect_{shared.loop, shared.broker, shared.counts, shared.facts, shared.limits.all_held_bytes_max, *this},
      replies_{shared.spare},
      first_command_{shared.loop,
                     [this] {
                       shared_.door.protocol_error(protocol_errors::silent);
                       close();
                     }},
      ended_{shared.loop, "client"} {}

loop::awaitable<> connection::serve() {
  if (const auto failure = shared_.clients.add(socket_.descriptor(), *this))
    throw boost::system::system_error{failure, "epoll_ctl"};
  watched_ = true;
  first_command_.set(after(shared_.loop.now(), shared_.limits.first_command_deadline));
  while (open_) co_await ended_.wait();
  if (thrown_) std::rethrow_exception(thrown_);
}

/// What is thrown ends the coroutine, and with it this connection alone.
template <class Function>
void connection::guarded(const Function& what) {
  loop::resumption noted{task_};
  try {
    what();
  } catch (...) {
    thrown_ = std::current_exception();
    close();
  }
}

// --- reading -------------------------------------------------------------------------------------------------------------

void connection::told(network::readiness_news what) {
  guarded([this, what] {
    may_read_ = may_read_ || what.readable;
    urgent_ = urgent_ || what.urgent;
    said_all_ = said_all_ || (what.said_all && !what.gone);
    gone_ = gone_ || what.gone;
    if (what.writable && std::exchange(awaits_room_, false)) write();
    if (!queued_) read();
  });
}

/// Once into what all share, so that a busy client costs one call for many commands, an idle one no memory, and others have their turns.
void connection::read() {
  if (!open_ || !may_read_) return;
  if (paused() || closing_) return look_for_end();
  const auto room = std::span{shared_.scratch}.first(memory_is_short() ? short_read_bytes : shared_.scratch.size());
  const auto [got, failure] = socket_.receive(room);
  if (failure == asio::error::would_block) {
    may_read_ = false;
  } else if (failure == asio::error::eof) {
    may_read_ = false;
    end_of_input();
  } else if (failure) {
    close();
  } else {
    // What did not fill it was all there was, and what comes now is told; but an end is told once, and something urgent cuts a receive short.
    may_read_ = got == room.size() || said_all_ || gone_ || urgent_;
    take({shared_.scratch.data(), got});
    read_on();
  }
}

/// At a later turn, if there may be more.
void connection::read_on() {
  if (!open_ || !may_read_ || queued_) return;
  if (paused() || closing_) return look_for_end();
  go_on_next_turn();
}

/// While it is not read: what stands unread hides the end from a read.
void connection::look_for_end() {
  if (gone_) return close();
  if (!said_all_ || standing_ != standing::waits || decision_ || !dialect_.give_up(replies_)) return;
  stand(standing::later);
  go_on_soon();
}

void connection::take(std::string_view bytes) {
  shared_.unwritten.begin(shared_.loop.now());
  if (standing_ == standing::ready) bytes = carry_out(bytes);
  input_.append(bytes);
  write();
}

void connection::end_of_input() {
  said_all_ = input_ended_ = true;
  shared_.unwritten.begin(shared_.loop.now());
  // It will never be told more: a reserve ends as if its time were over.
  if (standing_ == standing::waits && !decision_ && dialect_.give_up(replies_)) stand(standing::ready);
  if (standing_ == standing::ready) carry_out_input();
  write();
}

bool connection::paused() const noexcept {
  return standing_ == standing::unread ||
         (standing_ != standing::ready &&
          (input_.size() - taken_ >= shared_.limits.input_bytes_max || memory_is_short()));
}

void connection::stand(standing how) {
  if (standing_ == standing::unread) shared_.counts.unread.end(stands_since_, shared_.loop.now());
  standing_ = how;
  stands_since_ = shared_.loop.now();
  if (how == standing::unread) shared_.counts.unread.begin(stands_since_);
}

// --- what comes later ------------------------------------------------------------------------------------------------------

void connection::decided(broker::decision&& decision) noexcept {
  decision_ = std::move(decision);
  go_on_soon();
}

void connection::go_on_soon() {
  if (standing_ == standing::later) return go_on_next_turn();
  if (!std::exchange(queued_, true)) shared_.loop.core().ready.push(*this);
}

void connection::go_on_next_turn() {
  if (!std::exchange(queued_, true)) shared_.loop.core().ready.push_behind(*this);
}

void connection::resume() {
  queued_ = false;
  if (served_) return leave();
  if (!open_) return;
  guarded([this] {
    const bool only_reads = !decision_ && (standing_ == standing::ready || standing_ == standing::waits);
    if (only_reads) return read();
    go_on();
    read_on();
  });
}

void connection::observe_wait() {
  shared_.counts.seconds[static_cast<std::size_t>(waiting_verb_)].observe(shared_.loop.now() - stands_since_);
}

// --- the end ---------------------------------------------------------------------------------------------------------------

void connection::drain() {
  if (!open_ || closing_) return;
  guarded([this] {
    shared_.unwritten.begin(shared_.loop.now());
    end_wait();
    if (standing_ == standing::ready) carry_out_input();
    write();
  });
}

bool connection::has_work() const {
  if (!open_) return false;
  const bool command_left = !closing_ && (standing_ == standing::waits || standing_ == standing::later);
  return command_left || !held_.empty() || dialect_.holds_jobs();
}

/// A command that waits for a job or for room is answered.
void connection::end_wait() {
  if (standing_ != standing::waits || decision_) return;
  if (!dialect_.end_wait_for_drain(replies_)) return;
  observe_wait();
  stand(standing::ready);
}

void connection::finish() {
  if (!open_) return;
  guarded([this] {
    shared_.unwritten.begin(shared_.loop.now());
    end_wait();
    closing_ = true;
    write();
  });
}

void connection::close() {
  if (!std::exchange(open_, false)) return;
  if (std::exchange(watched_, false)) shared_.clients.remove(socket_.descriptor(), *this);
  socket_.close();
  replies_.clear();
  input_ = {};
  taken_ = 0;
  count_held();
  first_command_.clear();
  if (standing_ == standing::unread) stand(standing::ready);
  ended_.wake_all();
}

void connection::served() {
  close();
  served_ = true;
  leave();
}

/// Called until there is nothing left that could call back.
void connection::leave() {
  if (queued_) return;
  if (std::exchange(awaits_commit_, false)) std::erase(shared_.await_commit, this);
  decision_.reset();
  if (dialect_.leave()) return shared_.gone(*this);
  standing_ = standing::later;
  go_on_soon();
}

}  // namespace millrace::beanstalk
