#include "tools/closed_cycle.hpp"

#include <algorithm>
#include <utility>

#include "tools/job_mark.hpp"
#include "tools/job_put.hpp"
#include "tools/refusal.hpp"

namespace millrace::tools {

using wire::beanstalk_verb;
using wire::beanstalk_word;
using work = closed_plan::work;

closed_cycle::closed_cycle(closed_run& run) : run_{run} {
  const auto& plan = run.plan;
  if (plan.task != work::drain) {
    const job_put put{plan.run, plan.body_bytes, plan.to_stay ? job_put::priority_to_stay : job_put::priority};
    put_bytes_ = put.bytes.size();
    number_at_ = put.number_at;
    puts_.reserve(put_bytes_ * plan.depth);
    for (std::uint32_t at = 0; at < plan.depth; ++at) puts_ += put.bytes;
  }
  if (plan.task != work::put) {
    wire::beanstalk_command reserve;
    reserve.verb = beanstalk_verb::reserve_with_timeout;
    reserve.count = plan.task == work::mix ? reserve_seconds : 0;
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
  if (plan.task == work::drain) {
    ended_ = empty_;
  } else {
    const std::uint64_t most = plan.jobs == 0 ? delivery_ledger::jobs_max : plan.jobs;
    round_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(plan.depth, most - run_.put));
    ended_ = round_ == 0 || now >= plan.until;
  }
  if (ended_) return;
  if (plan.task == work::drain) return send_reserves(round_, now);
  send_puts(now);
}

void closed_cycle::send_puts(instant now) {
  const bool counted = !run_.plan.to_stay;
  std::uint32_t number =
      static_cast<std::uint32_t>(counted ? run_.ledger.put(round_) : run_.put) | (counted ? 0 : job_mark::to_stay);
  run_.put += round_;
  if (counted) run_.put_at.push_back(now);
  char* digits = puts_.data() + number_at_;
  for (std::uint32_t at = 0; at < round_; ++at, digits += put_bytes_) job_mark::write_hex(number++, digits);
  send(run_stats::put, std::string_view{puts_}.substr(0, round_ * put_bytes_), round_, now);
}

void closed_cycle::send_reserves(std::uint32_t count, instant now) {
  held_.clear();
  send(run_stats::reserve, std::string_view{reserves_}.substr(0, reserves_.size() / run_.plan.depth * count), count,
       now);
}

void closed_cycle::send_deletes(instant now) {
  deletes_.clear();
  for (const auto job : held_) {
    delete_.job = job;
    wire::append(deletes_, delete_);
  }
  send(run_stats::remove, deletes_, static_cast<std::uint32_t>(held_.size()), now);
}

void closed_cycle::send(run_stats::kind leg, std::string_view piece, std::uint32_t answers, instant now) noexcept {
  leg_ = leg;
  piece_ = piece;
  awaited_ = answers;
  sent_at_ = now;
  run_.counts.asked += answers;
}

result<> closed_cycle::take(std::string_view bytes, instant now) {
  using found = wire::beanstalk_reply_reader::found;
  const std::uint32_t awaited_before = awaited_;
  wire::beanstalk_reply reply;
  for (;;) {
    const auto step = reader_.next(bytes, reply);
    if (step == found::nothing) break;
    if (step == found::nonsense || awaited_ == 0) return not_the_protocol();
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
    case run_stats::put:
      if (reply.word == beanstalk_word::inserted) return {};
      return refused("put", reply.word);
    case run_stats::reserve:
      if (reply.word == beanstalk_word::reserved) return take_job(reply, now);
      if (run_.plan.task != work::drain || reply.word != beanstalk_word::timed_out)
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
  if (!run_.plan.check) return {};
  const auto mark = job_mark::read(reply.chunk);
  if (!mark || mark->run != run_.plan.run) return foreign_job(reply.number);
  if ((mark->number & job_mark::to_stay) != 0)
    return error{errc::invalid, "a job of the backlog was delivered although one of better priority was ready"};
  if (auto once = run_.ledger.note_delivered(mark->number); !once) return once;
  if (run_.plan.task != work::mix) return {};
  // Jobs that were put in one piece are mostly delivered together, so their ages are noted together.
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
  if (leg_ == run_stats::put && run_.plan.task == work::mix) return send_reserves(round_, now);
  if (leg_ == run_stats::reserve && !held_.empty()) return send_deletes(now);
  begin_round(now);
}

}  // namespace millrace::tools
