// Which function carries out which command.
#include <algorithm>
#include <array>
#include <cassert>

#include "beanstalk/broker_executor.hpp"
#include "beanstalk/protocol_errors.hpp"

namespace millrace::beanstalk {

namespace {

/// Whether a time counts from now. Then the clock is read, since `now` must not lie before the request.
bool starts_clock(const wire::beanstalk_command& command) {
  const auto clock = row_of(command.verb).clock;
  return clock == wire::starts_clock::yes || (clock == wire::starts_clock::with_delay && command.delay > 0);
}

}  // namespace

/// The functions that carry the commands out, indexed by the verb.
struct broker_executor::functions {
  using function = progress (broker_executor::*)(command&, outbox&);
  std::array<function, wire::beanstalk_verb_count> of_verb{};
  /// Beside the functions: under a sanitizer g++ cannot compare their addresses at compile time.
  std::array<bool, wire::beanstalk_verb_count> is_set{};

  static constexpr functions make() {
    using verb = wire::beanstalk_verb;
    functions made;
    const auto set = [&made](verb index, function value) {
      made.of_verb[index_of(index)] = value;
      made.is_set[index_of(index)] = true;
    };
    set(verb::put, &broker_executor::put);
    set(verb::peek, &broker_executor::peek);
    set(verb::peek_ready, &broker_executor::peek_ready);
    set(verb::peek_delayed, &broker_executor::peek_delayed);
    set(verb::peek_buried, &broker_executor::peek_buried);
    set(verb::reserve, &broker_executor::reserve);
    set(verb::reserve_with_timeout, &broker_executor::reserve_with_timeout);
    set(verb::reserve_job, &broker_executor::reserve_job);
    set(verb::delete_job, &broker_executor::delete_job);
    set(verb::release, &broker_executor::release);
    set(verb::use, &broker_executor::use);
    set(verb::watch, &broker_executor::watch);
    set(verb::ignore, &broker_executor::ignore);
    set(verb::bury, &broker_executor::bury);
    set(verb::kick, &broker_executor::kick);
    set(verb::kick_job, &broker_executor::kick_job);
    set(verb::touch, &broker_executor::touch);
    set(verb::stats, &broker_executor::stats);
    set(verb::stats_job, &broker_executor::stats_job);
    set(verb::stats_tube, &broker_executor::stats_tube);
    set(verb::list_tubes, &broker_executor::list_tubes);
    set(verb::list_tube_used, &broker_executor::list_tube_used);
    set(verb::list_tubes_watched, &broker_executor::list_tubes_watched);
    set(verb::pause_tube, &broker_executor::pause_tube);
    set(verb::quit, &broker_executor::quit);
    return made;
  }
};

command_result broker_executor::execute(wire::beanstalk_command& request, outbox& replies) {
  static constexpr auto all = functions::make();
  static_assert(std::ranges::find(all.is_set, false) == all.is_set.end(), "each verb has its function");
  assert(awaited_ == awaited::nothing && !is_partial());
  context_.counts.command(request.verb).add();
  receipt_ = {};
  if (starts_clock(request)) loop_.refresh_now();
  const auto body_bytes = request.content.size();
  const auto reached = (this->*all.of_verb[index_of(request.verb)])(request, replies);
  assert(reached != progress::blocked || row_of(request.verb).may_block);
  assert(receipt_.written_with == 0 || row_of(request.verb).changes);
  share_.note(broker_, receipt_, body_bytes);
  return {reached, receipt_};
}

void broker_executor::refuse(wire::beanstalk_command_reader::found reason, wire::beanstalk_verb verb, outbox& replies) {
  const auto [reply, code] = protocol_errors::of(reason);
  wire::append(replies.append_buffer(), reply);
  facts_.listener->protocol_error(code);
  if (!protocol_errors::is_line_error(reason)) context_.counts.command(verb).add();
}

}  // namespace millrace::beanstalk
