// What a connection does with what was read, and with what comes of it later.
#include <algorithm>
#include <utility>

#include "beanstalk/connection.hpp"
#include "beanstalk/protocol_errors.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::beanstalk {

namespace {

/// What a connection may do before all others have their turn, in commands that cost little; about as many as are read at once.
constexpr std::size_t effort_a_turn = 4'096;

std::size_t effort_of(const wire::beanstalk_command& command) {
  const auto& row = row_of(command.verb);
  if (!row.cost_per_count) return row.cost;
  return std::min<std::size_t>(row.cost + std::size_t{command.count}, engine::moves_per_turn_max);
}

}  // namespace

std::string_view connection::carry_out(std::string_view bytes) {
  // What was answered later, a long list for example, may have left more replies than there is room for.
  pause_if_full();
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
      const auto body_bytes = command_.content.size();
      effort += effort_of(command_);
      const auto place = replies_.end();
      const auto next = dialect_.carry_out(command_, replies_);
      hold_back(place, dialect_.receipt());
      share_.note(shared_.broker, dialect_.receipt(), body_bytes);
      waiting_verb_ = verb;
      came(next);
    } else {
      refuse(what);
    }
    pause_if_full();
  }
  return bytes;
}

/// A decision has come, or it is its turn again.
void connection::go_on() {
  shared_.unwritten.begin(shared_.loop.now());
  if (auto decision = std::exchange(decision_, std::nullopt)) {
    const auto place = replies_.end();
    dialect_.decided(std::move(*decision), replies_);
    hold_back(place, dialect_.receipt());
    observe_wait();
  } else if (standing_ == standing::later && dialect_.unfinished()) {
    const auto place = replies_.end();
    const auto next = dialect_.go_on(replies_);
    hold_back(place, dialect_.receipt());
    if (next == dialect::next::later) return go_on_soon();
    observe_wait();
  }
  stand(standing::ready);
  carry_out_input();
  write();
}

void connection::came(dialect::next what) {
  switch (what) {
    case dialect::next::answered:
      shared_.unwritten.add(waiting_verb_);
      break;
    case dialect::next::waits:
      if (!said_all_ || !dialect_.give_up(replies_)) stand(standing::waits);
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

}  // namespace millrace::beanstalk
