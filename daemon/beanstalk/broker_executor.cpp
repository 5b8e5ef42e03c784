#include "beanstalk/broker_executor.hpp"

#include <cassert>
#include <utility>

#include "beanstalk/protocol_errors.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

constexpr std::string_view line_end = "\r\n";

duration in_seconds(std::uint32_t count) { return seconds{count}; }

}  // namespace

broker_executor::broker_executor(loop::event_loop& loop, broker::broker& broker, conversation_context& context,
                                 const server_facts& facts, broker::decision_taker& taker)
    : loop_{loop}, broker_{broker}, context_{context}, facts_{facts}, taker_{taker}, session_{broker.open_session()} {
  // `default` exists while the server is open, so neither can be refused.
  broker_.use(session_, "default").value();
  broker_.watch(session_, "default").value();
}

broker_executor::~broker_executor() { assert(!session_); }

bool broker_executor::close_session() {
  if (!session_) return true;
  if (awaited_ != awaited::nothing) {
    broker_.withdraw(session_);
    end_waiting();
  }
  end_listing();
  context_.counts.producers -= std::exchange(counted_as_producer_, false) ? 1 : 0;
  context_.counts.workers -= std::exchange(counted_as_worker_, false) ? 1 : 0;
  // A drain ends connections, which is no fault of their jobs.
  const auto end = context_.draining ? engine::session_end::returned : engine::session_end::lost;
  if (!broker_.try_close_session(session_, end)) return false;
  session_ = {};
  return true;
}

// --- jobs -----------------------------------------------------------------------------------------------------------

progress broker_executor::put(command& request, outbox& replies) {
  count_once(counted_as_producer_, context_.counts.producers);
  engine::put_request job{.content = std::move(request.content),
                          .priority = request.priority,
                          .delay = in_seconds(request.delay),
                          .ttr = in_seconds(request.ttr)};
  const std::size_t bytes = job.content.size();
  const auto answer = note_receipt(broker_.put(session_, broker_.engine().used(session_), std::move(job), taker_));
  switch (answer.status) {
    case engine::put_status::inserted:
      wire::append(replies.append_buffer(), word::inserted, answer.job.value());
      return progress::answered;
    case engine::put_status::waiting:
      if (context_.has_memory_for(bytes)) {
        context_.counts.held_bytes += waiting_put_bytes_ = bytes;
        return begin_waiting(awaited::capacity);
      }
      broker_.withdraw(session_);
      break;
    case engine::put_status::draining:
      return reply(replies, word::draining);
    case engine::put_status::refused:
    case engine::put_status::no_space:
      break;
  }
  return reply(replies, word::out_of_memory);
}

progress broker_executor::reserve(command&, outbox& replies) { return reserve_until(never, replies); }

progress broker_executor::reserve_with_timeout(command& request, outbox& replies) {
  return reserve_until(after(loop_.now(), in_seconds(request.count)), replies);
}

progress broker_executor::reserve_until(instant until, outbox& replies) {
  count_once(counted_as_worker_, context_.counts.workers);
  // Answer at once, so that the client goes on to finish the jobs that it holds.
  if (context_.draining) return reply(replies, word::timed_out);
  const auto answer = note_receipt(broker_.reserve(session_, engine::lease::ttr, until, taker_));
  switch (answer.status) {
    case engine::reserve_status::reserved:
      append_reserved(replies, answer.job);
      return progress::answered;
    case engine::reserve_status::waiting:
      return begin_waiting(awaited::ready_job);
    case engine::reserve_status::deadline_soon:
      return reply(replies, word::deadline_soon);
    default:
      return reply(replies, word::timed_out);
  }
}

progress broker_executor::reserve_job(command& request, outbox& replies) {
  if (context_.draining) return reply(replies, word::not_found);
  const auto answer = note_receipt(broker_.reserve_job(session_, job_id{request.job}, taker_));
  if (answer.status == engine::reserve_status::waiting) {
    count_once(counted_as_worker_, context_.counts.workers);
    return begin_waiting(awaited::reserved_body);
  }
  if (answer.status != engine::reserve_status::reserved) return reply(replies, word::not_found);
  count_once(counted_as_worker_, context_.counts.workers);
  append_reserved(replies, answer.job);
  return progress::answered;
}

progress broker_executor::delete_job(command& request, outbox& replies) {
  const job_id job{request.job};
  // Any client may delete a job that is not reserved; only the end of a reserved job counts.
  const auto before = context_.draining ? broker_.engine().look(job) : std::nullopt;
  const bool erased = note_receipt(broker_.erase(session_, job));
  if (erased && before && before->state == engine::job_state::reserved) ++context_.counts.finished_in_drain;
  return reply_or_not_found(replies, erased, word::deleted);
}

progress broker_executor::release(command& request, outbox& replies) {
  const bool released =
      note_receipt(broker_.release(session_, job_id{request.job}, request.priority, in_seconds(request.delay)));
  return reply_and_count_finished(replies, released, word::released);
}

progress broker_executor::bury(command& request, outbox& replies) {
  return reply_and_count_finished(replies, note_receipt(broker_.bury(session_, job_id{request.job}, request.priority)),
                                  word::buried);
}

progress broker_executor::touch(command& request, outbox& replies) {
  return reply_or_not_found(replies, note_receipt(broker_.touch(session_, job_id{request.job})), word::touched);
}

progress broker_executor::kick_job(command& request, outbox& replies) {
  return reply_or_not_found(replies, note_receipt(broker_.kick_job(job_id{request.job})), word::kicked);
}

progress broker_executor::peek(command& request, outbox& replies) {
  return show(replies, broker_.peek(session_, job_id{request.job}, taker_));
}

progress broker_executor::peek_ready(command&, outbox& replies) {
  return show(replies, broker_.peek_ready(session_, broker_.engine().used(session_), taker_));
}

progress broker_executor::peek_delayed(command&, outbox& replies) {
  return show(replies, broker_.peek_delayed(session_, broker_.engine().used(session_), taker_));
}

progress broker_executor::peek_buried(command&, outbox& replies) {
  return show(replies, broker_.peek_buried(session_, broker_.engine().used(session_), taker_));
}

progress broker_executor::quit(command&, outbox&) { return progress::quit; }

progress broker_executor::reply_and_count_finished(outbox& replies, bool finished, word answer) {
  if (finished && context_.draining) ++context_.counts.finished_in_drain;
  return reply_or_not_found(replies, finished, answer);
}

broker::receipt broker_executor::decide(broker::decision&& decision, outbox& replies) {
  end_waiting();
  const auto& event = decision.event;
  switch (event.type) {
    case engine::event::kind::granted:
      append_reserved(replies, event.job);
      break;
    case engine::event::kind::put_admitted:
      wire::append(replies.append_buffer(), word::inserted, event.id.value());
      break;
    case engine::event::kind::deadline_soon:
      wire::append(replies.append_buffer(), word::deadline_soon);
      break;
    case engine::event::kind::shown:
      append_found(replies, event.job.job, event.job.content);
      break;
    case engine::event::kind::not_found:
      wire::append(replies.append_buffer(), word::not_found);
      break;
    default:
      wire::append(replies.append_buffer(), word::timed_out);
      break;
  }
  return decision.durable_with;
}

bool broker_executor::give_up(outbox& replies) {
  assert(awaited_ != awaited::nothing);
  if (awaited_ == awaited::reserved_body || awaited_ == awaited::peeked_body || broker_.engine().awaits_body(session_))
    return false;
  const auto answer = awaited_ == awaited::capacity ? word::out_of_memory : word::timed_out;
  broker_.withdraw(session_);
  end_waiting();
  static_cast<void>(reply(replies, answer));
  return true;
}

bool broker_executor::end_wait_for_drain(outbox& replies) {
  assert(awaited_ != awaited::nothing);
  if (awaited_ == awaited::peeked_body) return false;
  const auto answer = awaited_ == awaited::capacity    ? word::draining
                      : awaited_ == awaited::ready_job ? word::timed_out
                                                       : word::not_found;
  broker_.withdraw(session_);
  end_waiting();
  wire::append(replies.append_buffer(), answer);
  return true;
}

bool broker_executor::holds_jobs() const { return broker_.engine().holds_jobs(session_); }

void broker_executor::append_reserved(outbox& replies, const engine::reserved_job& job) {
  wire::append_head(replies.append_buffer(), word::reserved, job.job.value(), job.content.size());
  replies.add(job.content, line_end);
}

progress broker_executor::show(outbox& replies, broker::receipted<broker::peek_answer>&& peeked) {
  const auto answer = note_receipt(std::move(peeked));
  switch (answer.status) {
    case broker::peek_status::found:
      append_found(replies, answer.job.job, answer.job.content);
      return progress::answered;
    case broker::peek_status::waiting:
      return begin_waiting(awaited::peeked_body);
    case broker::peek_status::not_found:
      break;
  }
  return reply(replies, word::not_found);
}

void broker_executor::append_found(outbox& replies, job_id job, const body& content) {
  wire::append_head(replies.append_buffer(), word::found, job.value(), content.size());
  replies.add(content, line_end);
}

// --- replies ---------------------------------------------------------------------------------------------------------

progress broker_executor::reply(outbox& replies, word answer) {
  if (answer == word::out_of_memory) facts_.listener->protocol_error(protocol_errors::out_of_memory);
  wire::append(replies.append_buffer(), answer);
  return progress::answered;
}

progress broker_executor::reply_or_not_found(outbox& replies, bool done, word answer) {
  return reply(replies, done ? answer : word::not_found);
}

void broker_executor::count_once(bool& is_counted, std::uint32_t& count) {
  if (!std::exchange(is_counted, true)) ++count;
}

progress broker_executor::begin_waiting(awaited target) {
  awaited_ = target;
  if (target == awaited::ready_job) ++context_.counts.waiting;
  return progress::blocked;
}

void broker_executor::end_waiting() {
  if (awaited_ == awaited::ready_job) --context_.counts.waiting;
  awaited_ = awaited::nothing;
  context_.counts.held_bytes -= std::exchange(waiting_put_bytes_, 0);
}

}  // namespace millrace::beanstalk
