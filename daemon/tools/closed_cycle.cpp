#include "tools/closed_cycle.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "network/beanstalk_client.hpp"
#include "tools/job_mark.hpp"

namespace millrace::tools {

using wire::beanstalk_verb;
using wire::beanstalk_word;
using work = closed_plan::work;

namespace {

/// One put of the plan, as bytes, with a mark that is overwritten each time it is sent.
std::string one_put(const closed_plan& plan) {
  assert(plan.body_bytes >= job_mark::bytes);
  std::string content(plan.body_bytes, '.');
  job_mark{plan.run, plan.to_stay ? job_mark::to_stay : 0}.write(content.data());
  wire::beanstalk_command put;
  put.verb = beanstalk_verb::put;
  put.priority = plan.to_stay ? closed_cycle::priority_to_stay : closed_cycle::priority;
  put.ttr = closed_cycle::ttr_seconds;
  put.count = static_cast<std::uint32_t>(plan.body_bytes);
  put.content = body{content};
  std::string bytes;
  wire::append(bytes, put);
  return bytes;
}

error refused(std::string_view command, beanstalk_word answer) {
  return {errc::refused, std::string{command} + " was answered by " + std::string{network::in_words(answer)}};
}

}  // namespace

closed_cycle::closed_cycle(closed_run& run) : run_{run} {
  const auto& plan = run.plan;
  if (plan.what != work::drain) {
    const std::string put = one_put(plan);
    put_bytes_ = put.size();
    mark_offset_ = put.size() - 2 - plan.body_bytes;
    puts_.reserve(put_bytes_ * plan.depth);
    for (std::uint32_t at = 0; at < plan.depth; ++at) puts_ += put;
  }
  if (plan.what != work::put) {
    wire::beanstalk_command reserve;
    reserve.verb = beanstalk_verb::reserve_with_timeout;
    reserve.count = plan.what == work::mix ? reserve_seconds : 0;
    for (std::uint32_t at = 0; at < plan.depth; ++at) wire::append(reserves_, reserve);
  }
  delete_.verb = beanstalk_verb::delete_job;
  held_.reserve(plan.depth);
}

void closed_cycle::begin(instant now) { begin_round(now); }

std::string_view closed_cycle::next_piece() noexcept { return std::exchange(piece_, {}); }

void closed_cycle::begin_round(instant now) {
  auto& plan = run_.plan;
  round_ = plan.depth;
  if (plan.what == work::drain) {
    ended_ = empty_;
  } else {
    const std::uint64_t most = plan.jobs == 0 ? exactly_once::jobs_max : plan.jobs;
    round_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(plan.depth, most - run_.put));
    ended_ = round_ == 0 || now >= plan.until;
  }
  if (ended_) return;
  if (plan.what == work::drain) return send_reserves(round_, now);
  send_puts(now);
}

void closed_cycle::send_puts(instant now) {
  const bool in_book = !run_.plan.to_stay;
  std::uint32_t number =
      static_cast<std::uint32_t>(in_book ? run_.book.put(round_) : run_.put) | (in_book ? 0 : job_mark::to_stay);
  run_.put += round_;
  if (in_book) run_.put_at.push_back(now);
  char* mark = puts_.data() + mark_offset_ + job_mark::bytes / 2;
  for (std::uint32_t at = 0; at < round_; ++at, mark += put_bytes_) job_mark::write_hex(number++, mark);
  send(tally::put, std::string_view{puts_}.substr(0, round_ * put_bytes_), round_, now);
}

void closed_cycle::send_reserves(std::uint32_t count, instant now) {
  held_.clear();
  send(tally::reserve, std::string_view{reserves_}.substr(0, reserves_.size() / run_.plan.depth * count), count, now);
}

void closed_cycle::send_deletes(instant now) {
  deletes_.clear();
  for (const auto job : held_) {
    delete_.job = job;
    wire::append(deletes_, delete_);
  }
  send(tally::remove, deletes_, static_cast<std::uint32_t>(held_.size()), now);
}

void closed_cycle::send(tally::kind leg, std::string_view piece, std::uint32_t answers, instant now) noexcept {
  leg_ = leg;
  piece_ = piece;
  awaited_ = answers;
  sent_at_ = now;
}

result<> closed_cycle::take(std::string_view bytes, instant now) {
  using found = wire::beanstalk_reply_reader::found;
  const std::uint32_t awaited_before = awaited_;
  wire::beanstalk_reply reply;
  for (;;) {
    const auto what = reader_.next(bytes, reply);
    if (what == found::nothing) break;
    if (what == found::nonsense || awaited_ == 0)
      return error{errc::invalid, "what it answers is not the beanstalk protocol"};
    --awaited_;
    if (auto taken = take_reply(reply, now); !taken) return taken;
  }
  flush_ages(now);
  run_.counts.answered(leg_, now - sent_at_, awaited_before - awaited_, now);
  if (awaited_ == 0 && awaited_before > 0) leg_answered(now);
  return {};
}

result<> closed_cycle::take_reply(const wire::beanstalk_reply& reply, instant now) {
  switch (leg_) {
    case tally::put:
      if (reply.word == beanstalk_word::inserted) return {};
      return refused("put", reply.word);
    case tally::reserve:
      if (reply.word == beanstalk_word::reserved) return take_job(reply, now);
      if (run_.plan.what != work::drain || reply.word != beanstalk_word::timed_out)
        return refused("reserve", reply.word);
      empty_ = true;
      return {};
    default:
      if (reply.word == beanstalk_word::deleted) return {};
      return refused("delete of a job just reserved", reply.word);
  }
}

result<> closed_cycle::take_job(const wire::beanstalk_reply& reply, instant now) {
  held_.push_back(reply.number);
  const auto mark = job_mark::read(reply.chunk);
  if (!mark || mark->run != run_.plan.run)
    return error{errc::refused, "job " + std::to_string(reply.number) + " in the queue was not put by this run"};
  if ((mark->number & job_mark::to_stay) != 0) {
    if (run_.plan.what == work::drain) return {};
    return error{errc::invalid, "a job of the backlog came out although one of better priority was ready"};
  }
  if (auto once = run_.book.came_out(mark->number); !once) return once;
  if (run_.plan.what != work::mix) return {};
  // Neighbours left in one piece: most come out together as well.
  const instant put_at = run_.put_at[mark->number / run_.plan.depth];
  if (put_at != age_from_) flush_ages(now);
  age_from_ = put_at;
  ++age_times_;
  return {};
}

void closed_cycle::flush_ages(instant now) noexcept {
  if (age_times_ > 0 && run_.counts.counts(now)) run_.counts.jobs.note(now - age_from_, age_times_);
  age_times_ = 0;
}

void closed_cycle::leg_answered(instant now) {
  if (leg_ == tally::put && run_.plan.what == work::mix) return send_reserves(round_, now);
  if (leg_ == tally::reserve && !held_.empty()) return send_deletes(now);
  begin_round(now);
}

}  // namespace millrace::tools
