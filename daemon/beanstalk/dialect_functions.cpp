// Which function carries out which command.
#include <algorithm>
#include <array>
#include <cassert>

#include "beanstalk/dialect.hpp"
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
struct dialect::functions {
  using function = progress (dialect::*)(command&, outbox&);
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
    set(verb::put, &dialect::put);
    set(verb::peek, &dialect::peek);
    set(verb::peek_ready, &dialect::peek_ready);
    set(verb::peek_delayed, &dialect::peek_delayed);
    set(verb::peek_buried, &dialect::peek_buried);
    set(verb::reserve, &dialect::reserve);
    set(verb::reserve_with_timeout, &dialect::reserve_with_timeout);
    set(verb::reserve_job, &dialect::reserve_job);
    set(verb::delete_job, &dialect::delete_job);
    set(verb::release, &dialect::release);
    set(verb::use, &dialect::use);
    set(verb::watch, &dialect::watch);
    set(verb::ignore, &dialect::ignore);
    set(verb::bury, &dialect::bury);
    set(verb::kick, &dialect::kick);
    set(verb::kick_job, &dialect::kick_job);
    set(verb::touch, &dialect::touch);
    set(verb::stats, &dialect::stats);
    set(verb::stats_job, &dialect::stats_job);
    set(verb::stats_tube, &dialect::stats_tube);
    set(verb::list_tubes, &dialect::list_tubes);
    set(verb::list_tube_used, &dialect::list_tube_used);
    set(verb::list_tubes_watched, &dialect::list_tubes_watched);
    set(verb::pause_tube, &dialect::pause_tube);
    set(verb::quit, &dialect::quit);
    return made;
  }
};

outcome dialect::execute(wire::beanstalk_command& request, outbox& replies) {
  static constexpr auto all = functions::make();
  static_assert(std::ranges::find(all.is_set, false) == all.is_set.end(), "each verb has its function");
  assert(awaited_ == awaited::nothing && !is_partial());
  counts_.command(request.verb).add();
  receipt_ = {};
  if (starts_clock(request)) loop_.refresh_now();
  const auto body_bytes = request.content.size();
  const auto reached = (this->*all.of_verb[index_of(request.verb)])(request, replies);
  share_.note(broker_, receipt_, body_bytes);
  return {reached, receipt_};
}

void dialect::refuse(wire::beanstalk_command_reader::found reason, wire::beanstalk_verb verb, outbox& replies) {
  const auto [reply, code] = protocol_errors::of(reason);
  wire::append(replies.text(), reply);
  facts_.listener->protocol_error(code);
  if (!protocol_errors::is_line_error(reason)) counts_.command(verb).add();
}

}  // namespace millrace::beanstalk
