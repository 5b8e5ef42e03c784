#include "beanstalk/connection.hpp"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "beanstalk/protocol_errors.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::beanstalk {

namespace asio = boost::asio;
using boost::system::error_code;
using network::stream_socket;

namespace {

constexpr duration look_for_resets_every = seconds{1};

/// Whether the other side takes nothing any more. A read would not say so: what was sent before a reset hides it, and an end of file is also what
/// comes from a client that has said all it wants and reads its answers.
bool gone(stream_socket& socket) {
  pollfd asked{.fd = socket.native_handle(), .events = 0, .revents = 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLERR | POLLHUP)) != 0;
}

/// What a connection may do before all others have their turn, in commands that cost little; about as many as are read at once.
constexpr std::size_t effort_a_turn = 4'096;

std::size_t effort_of(const wire::beanstalk_command& what) {
  using verb = wire::beanstalk_verb;
  switch (what.verb) {
    case verb::kick:
      return std::min<std::size_t>(1 + what.count, engine::moves_per_turn_max);
    case verb::stats:
    case verb::stats_job:
    case verb::stats_tube:
    case verb::list_tubes:
    case verb::list_tubes_watched:
      return 32;
    default:
      return 1;
  }
}

/// Whether its reply says that something is kept. Who only takes or looks may be told at once.
bool waits_for_commit(wire::beanstalk_verb what) {
  using verb = wire::beanstalk_verb;
  switch (what) {
    case verb::put:
    case verb::delete_job:
    case verb::release:
    case verb::bury:
    case verb::kick:
    case verb::kick_job:
    case verb::pause_tube:
      return true;
    default:
      return false;
  }
}

}  // namespace

connection::connection(surroundings& shared, stream_socket socket)
    : shared_{shared},
      socket_{std::move(socket)},
      task_{shared.loop.core().current()},
      reader_{shared.limits.job_bytes_max, &shared.bodies},
      dialect_{shared.loop, shared.broker, shared.counts, shared.facts, shared.limits.all_replies_bytes_max, *this},
      replies_{shared.spare},
      first_command_{shared.loop,
                     [this] {
                       shared_.door.protocol_error(protocol_errors::silent);
                       close();
                     }},
      changed_{shared.loop, "client"} {
  error_code ignored;  // a client that has gone already is noticed by the first read
  socket_.non_blocking(true, ignored);
  first_command_.set(after(shared.loop.now(), shared.limits.first_command_deadline));
}

// --- reading -------------------------------------------------------------------------------------------------------------

loop::awaitable<> connection::serve() {
  while (open_ && !closing_) {
    if (paused()) {
      co_await until_read_again();
      continue;
    }
    const auto [failure, got] =
        co_await socket_.async_read_some(asio::buffer(first_bytes_), asio::as_tuple(loop::use_awaitable));
    if (failure == asio::error::eof) {
      end_of_input();
      break;
    }
    if (failure == asio::error::operation_aborted && open_) continue;  // only to look whether it is paused
    if (failure) co_return close();
    take(read_more(got));
  }
  co_await until_written();
}

/// What fills the connection's own few bytes has more behind it: that is read into the shared ones, so that a busy client costs one wake-up for many
/// commands and an idle one no memory.
std::string_view connection::read_more(std::size_t got) {
  if (got < first_bytes_.size()) return {first_bytes_.data(), got};
  std::memcpy(shared_.scratch.data(), first_bytes_.data(), got);
  error_code failure;  // nothing there, or the end, which the next read will find again
  got += socket_.read_some(asio::buffer(shared_.scratch.data() + got, shared_.scratch.size() - got), failure);
  return {shared_.scratch.data(), got};
}

void connection::take(std::string_view bytes) {
  shared_.unwritten.begin(shared_.loop.now());
  if (standing_ == standing::ready) bytes = carry_out(bytes);
  input_.append(bytes);
  write();
}

void connection::end_of_input() {
  input_ended_ = true;
  shared_.unwritten.begin(shared_.loop.now());
  // It will never be told more: a reserve ends as if its time were over.
  if (standing_ == standing::waits && !decision_) {
    dialect_.give_up(replies_);
    stand(standing::ready);
  }
  if (standing_ == standing::ready) carry_out_input();
  write();
}

bool connection::paused() const noexcept {
  return standing_ == standing::unread ||
         (standing_ != standing::ready && input_.size() - taken_ >= shared_.limits.input_bytes_max);
}

loop::awaitable<> connection::until_read_again() {
  watching_ = true;
  static_cast<void>(co_await socket_.async_wait(stream_socket::wait_error, asio::as_tuple(loop::use_awaitable)));
  watching_ = false;
  // Something urgent that was sent ends the wait at once, each time: from then on a reset is looked for only now and then.
  loop::deadline look{shared_.loop, [this] { changed_.wake_all(); }};
  while (open_ && paused()) {
    if (gone(socket_)) co_return close();
    look.set(after(shared_.loop.now(), look_for_resets_every));
    co_await changed_.wait();
  }
}

loop::awaitable<> connection::until_written() {
  while (open_) co_await changed_.wait();
}

// --- carrying out --------------------------------------------------------------------------------------------------------

std::string_view connection::carry_out(std::string_view bytes) {
  for (std::size_t effort = 0; !bytes.empty() && standing_ == standing::ready && open_ && !closing_;) {
    if (effort >= effort_a_turn) {
      came(dialect::next::later);
      break;
    }
    const auto what = reader_.next(bytes, command_);
    const bool has_spoken = what != found::nothing || reader_.in_body();
    if (has_spoken && first_command_.when() != never) first_command_.clear();
    if (what == found::nothing) break;
    if (what == found::command) {
      const auto verb = command_.verb;
      effort += effort_of(command_);
      const auto place = replies_.end();
      const auto next = dialect_.carry_out(command_, replies_);
      if (waits_for_commit(verb)) hold_back(place, shared_.broker.batch_of_last_command());
      waiting_verb_ = verb;
      came(next);
    } else {
      refuse(what);
    }
    if (replies_full()) write();
    if ((replies_full() || shared_.broker.backlogged()) && standing_ == standing::ready) stand(standing::unread);
  }
  return bytes;
}

void connection::came(dialect::next what) {
  switch (what) {
    case dialect::next::answered:
      shared_.unwritten.add(waiting_verb_);
      break;
    case dialect::next::waits:
      if (input_ended_) return dialect_.give_up(replies_);
      stand(standing::waits);
      break;
    case dialect::next::later:
      stand(standing::later);
      go_on_soon();
      break;
    case dialect::next::quit:
      closing_ = true;
      break;
  }
}

void connection::refuse(found why) {
  const auto [word, code] = protocol_errors::of(why);
  wire::append(replies_.text(), word);
  shared_.door.protocol_error(code);
  if (why != found::bad_format && why != found::unknown_command) {
    shared_.counts.command(command_.verb).add();
    shared_.unwritten.add(command_.verb);
  }
}

void connection::carry_out_input() {
  const auto left = carry_out(std::string_view{input_}.substr(taken_));
  taken_ = input_.size() - left.size();
  // What is through goes before it is more than what is left, so that a client which is always ahead does not make it grow.
  if (taken_ > input_.size() / 2) input_.erase(0, std::exchange(taken_, 0));
  if (left.empty()) {
    input_ = {};
    taken_ = 0;
  }
  if (input_ended_ && left.empty() && standing_ == standing::ready) closing_ = true;
}

void connection::stand(standing how) {
  if (standing_ == standing::unread) shared_.counts.unread.end(stands_since_, shared_.loop.now());
  standing_ = how;
  stands_since_ = shared_.loop.now();
  if (how == standing::unread) shared_.counts.unread.begin(stands_since_);
}

// --- what comes later ------------------------------------------------------------------------------------------------------

void connection::decided(engine::event&& what) noexcept {
  decision_ = std::move(what);
  go_on_soon();
}

void connection::go_on_soon() {
  if (std::exchange(queued_, true)) return;
  if (standing_ == standing::later) {
    shared_.loop.core().ready.push_behind(*this);
  } else {
    shared_.loop.core().ready.push(*this);
  }
}

void connection::resume() {
  loop::resumption noted{task_};
  queued_ = false;
  if (served_) return leave();
  if (!open_) return;
  shared_.unwritten.begin(shared_.loop.now());
  if (auto decision = std::exchange(decision_, std::nullopt)) {
    const auto place = replies_.end();
    const bool put = decision->what == engine::event::kind::put_admitted;
    dialect_.decided(std::move(*decision), replies_);
    if (put) hold_back(place, shared_.broker.newest_batch());
    observe_wait();
  } else if (standing_ == standing::later && dialect_.unfinished()) {
    const auto place = replies_.end();
    const auto next = dialect_.go_on(replies_);
    if (waits_for_commit(waiting_verb_)) hold_back(place, shared_.broker.newest_batch());
    if (next == dialect::next::later) return go_on_soon();
    observe_wait();
  }
  stand(standing::ready);
  carry_out_input();
  write();
}

void connection::observe_wait() {
  shared_.counts.seconds[static_cast<std::size_t>(waiting_verb_)].observe(shared_.loop.now() - stands_since_);
}

// --- the end ---------------------------------------------------------------------------------------------------------------

void connection::finish() {
  if (!open_) return;
  if (standing_ == standing::waits && !decision_) {
    dialect_.refuse_waiting_put(replies_);
    stand(standing::ready);
  }
  closing_ = true;
  write();
  if (open_ && !served_) socket_.cancel();
}

void connection::close() {
  if (!std::exchange(open_, false)) return;
  error_code ignored;
  socket_.close(ignored);
  replies_.clear();
  count_replies();
  first_command_.clear();
  if (standing_ == standing::unread) stand(standing::ready);
  changed_.wake_all();
}

void connection::served() {
  close();
  served_ = true;
  leave();
}

/// Called until there is nothing left that could call back.
void connection::leave() {
  if (queued_ || writes_) return;
  if (std::exchange(awaits_commit_, false)) std::erase(shared_.await_commit, this);
  decision_.reset();
  if (dialect_.leave()) return shared_.gone(*this);
  standing_ = standing::later;
  go_on_soon();
}

}  // namespace millrace::beanstalk
