#include "beanstalk/conversation.hpp"

#include <algorithm>
#include <utility>

#include "beanstalk/protocol_errors.hpp"
#include "engine/options.hpp"

namespace millrace::beanstalk {

namespace {

/// What a conversation may do before the others have their turn, in commands that cost 1; about as many as are read at
/// once.
constexpr std::size_t cost_per_turn_max = 4'096;

std::size_t cost_of(const wire::beanstalk_command& command) {
  const auto& row = row_of(command.verb);
  if (!row.cost_per_count) return row.cost;
  return std::min<std::size_t>(row.cost + std::size_t{command.count}, engine::moves_per_turn_max);
}

}  // namespace

conversation::conversation(conversation_context& context, command_executor& executor, reply_sink& sink)
    : context_{context},
      executor_{executor},
      sink_{sink},
      reader_{context.limits.job_bytes_max, &context.bodies},
      replies_{context.spare} {}

// --- events ---------------------------------------------------------------------------------------------------------

void conversation::receive(std::string_view bytes, instant now) {
  context_.reply_latency.begin(now);
  if (state_ == state::idle) bytes = execute(bytes, now);
  input_.append(bytes);
}

void conversation::on_peer_shutdown() noexcept {
  if (input_from_ == input_source::open) input_from_ = input_source::shut_down;
}

void conversation::stop_waiting(instant now) {
  if (peer_has_shut_down()) give_up_waiting(state::yielded, now);
}

void conversation::end_input(instant now) {
  input_from_ = input_source::ended;
  context_.reply_latency.begin(now);
  // No more commands will come: a reserve ends as if its time were over.
  give_up_waiting(state::idle, now);
  if (state_ == state::idle) execute_input(now);
}

/// Answers the blocked command as if its time were over.
void conversation::give_up_waiting(state next, instant now) {
  if (!waits_undecided() || !executor_.give_up(replies_)) return;
  observe_wait(now);
  enter(next, now);
}

void conversation::proceed(instant now) {
  context_.reply_latency.begin(now);
  const auto position = replies_.appended_total();
  if (auto decision = std::exchange(decision_, std::nullopt)) {
    hold_replies(position, executor_.decide(std::move(*decision), replies_));
    observe_wait(now);
  } else if (executor_.is_partial()) {
    const auto part = executor_.proceed(replies_);
    hold_replies(position, part.durable_with);
    if (part.reached == progress::partial) return;
    observe_wait(now);
  }
  if (state_ == state::closing) return;
  enter(state::idle, now);
  execute_input(now);
}

void conversation::drain(instant now) {
  if (state_ == state::closing) return;
  context_.reply_latency.begin(now);
  end_wait_for_drain(now);
  if (state_ == state::idle) execute_input(now);
}

void conversation::finish(instant now) {
  context_.reply_latency.begin(now);
  end_wait_for_drain(now);
  enter(state::closing, now);
}

void conversation::end_wait_for_drain(instant now) {
  if (!waits_undecided() || !executor_.end_wait_for_drain(replies_)) return;
  observe_wait(now);
  enter(state::idle, now);
}

void conversation::abandon(instant now) {
  replies_.clear();
  input_ = {};
  executed_ = 0;
  count_memory();
  enter(state::closing, now);
}

// --- commands -------------------------------------------------------------------------------------------------------

/// Until it has to wait or has used up its turn; returns what is left.
std::string_view conversation::execute(std::string_view bytes, instant now) {
  // A reply of a command that was partly done, a long list for example, may have exceeded the limit.
  is_executing_ = true;
  pause_if_full(now);
  for (std::size_t cost = 0; !bytes.empty() && state_ == state::idle;) {
    if (cost >= cost_per_turn_max) {
      enter(state::yielded, now);
      break;
    }
    const auto result = reader_.next(bytes, command_);
    has_spoken_ = has_spoken_ || result != found::nothing || reader_.in_body();
    if (result == found::nothing) break;
    if (result == found::command) {
      cost += cost_of(command_);
      execute_one(now);
    } else {
      executor_.refuse(result, command_.verb, replies_);
      if (!protocol_errors::is_line_error(result)) context_.reply_latency.add(command_.verb);
    }
    pause_if_full(now);
  }
  is_executing_ = false;
  return bytes;
}

void conversation::execute_one(instant now) {
  const auto position = replies_.appended_total();
  const auto [reached, durable_with] = executor_.execute(command_, replies_);
  hold_replies(position, durable_with);
  switch (reached) {
    case progress::answered:
      context_.reply_latency.add(command_.verb);
      break;
    case progress::blocked:
      if (!peer_has_shut_down() || !executor_.give_up(replies_)) {
        enter(state::blocked, now);
      } else {
        context_.reply_latency.add(command_.verb);
      }
      break;
    case progress::partial:
      enter(state::yielded, now);
      break;
    case progress::quit:
      enter(state::closing, now);
      break;
  }
}

void conversation::hold_replies(std::uint64_t position, const broker::receipt& receipt) {
  if (receipt.batch != 0 && !executor_.is_durable(receipt)) gate_.hold(position, receipt);
}

void conversation::execute_input(instant now) {
  const auto left = execute(std::string_view{input_}.substr(executed_), now);
  executed_ = input_.size() - left.size();
  // Executed bytes go before they are more than what is left, so that a client which is always ahead does not make the
  // buffer grow.
  if (executed_ > input_.size() / 2) input_.erase(0, std::exchange(executed_, 0));
  if (left.empty()) {
    input_ = {};
    executed_ = 0;
  }
  if (input_from_ == input_source::ended && left.empty() && state_ == state::idle) enter(state::closing, now);
}

// --- states ---------------------------------------------------------------------------------------------------------

void conversation::enter(state next, instant now) {
  if (state_ == state::read_paused) context_.counts.unread.end(entered_, now);
  state_ = next;
  entered_ = now;
}

void conversation::pause(read_pause cause, instant now) {
  enter(state::read_paused, now);
  context_.counts.unread.begin(now);
  context_.counts.read_pauses[static_cast<std::size_t>(cause)].add();
}

/// No further command is executed while the client does not read its replies, or the disk is behind.
void conversation::pause_if_full(instant now) {
  if (replies_full()) sink_.flush();
  if (state_ != state::idle) return;
  if (replies_full()) return pause(read_pause::unread_replies, now);
  if (executor_.backlog_exceeded()) pause(read_pause::write_backlog, now);
}

void conversation::observe_wait(instant now) {
  context_.counts.seconds[index_of(command_.verb)].observe(now - entered_);
}

// --- after an event -------------------------------------------------------------------------------------------------

bool conversation::must_close(instant now) {
  count_memory();
  if (context_.draining && all_executed() && !executor_.holds_jobs()) enter(state::closing, now);
  return state_ == state::closing && replies_.empty();
}

std::uint64_t conversation::writable_up_to() {
  return gate_.open_up_to([this](const broker::receipt& receipt) { return executor_.is_durable(receipt); });
}

bool conversation::has_lost_replies() {
  return gate_.holds() && executor_.store_has_failed() && writable_up_to() != reply_gate::everything;
}

bool conversation::awaits_commit() {
  const bool holds_replies = writable_up_to() != reply_gate::everything;
  return holds_replies || (state_ == state::read_paused && executor_.backlog_exceeded());
}

bool conversation::wants_turn() {
  return decision_ || executor_.is_partial() || state_ == state::yielded ||
         (state_ == state::read_paused && may_continue());
}

bool conversation::wants_input() const noexcept {
  if (state_ == state::idle) return true;
  if (state_ == state::read_paused || state_ == state::closing) return false;
  return buffered() < context_.limits.input_bytes_max && context_.has_memory_for(0);
}

bool conversation::has_work() const {
  return state_ == state::blocked || state_ == state::yielded || gate_.holds() || executor_.holds_jobs();
}

bool conversation::replies_full() const noexcept {
  return context_.limits.replies().must_pause(replies_.bytes()) || (!replies_.empty() && !context_.has_memory_for(0));
}

/// Enough was read and written that the next command may be executed.
bool conversation::may_continue() noexcept {
  if (executor_.backlog_exceeded()) return false;
  return replies_.empty() || (context_.limits.replies().may_continue(replies_.bytes()) && !replies_full());
}

/// Nothing that was received is left to be executed or answered.
bool conversation::all_executed() const noexcept {
  return !is_executing_ && (state_ == state::idle || state_ == state::read_paused) && buffered() == 0;
}

void conversation::count_memory() {
  const std::size_t held = replies_.held_bytes() + (input_.empty() ? 0 : input_.capacity());
  context_.counts.held_bytes += held - counted_;
  counted_ = held;
}

}  // namespace millrace::beanstalk
