#include "tools/open_cycle.hpp"

#include "tools/job_mark.hpp"
#include "tools/refusal.hpp"

namespace millrace::tools {

using wire::beanstalk_word;
using found = wire::beanstalk_reply_reader::found;

open_producer::open_producer(open_run& run) : run_{run}, put_{run.run, run.body_bytes, job_put::priority} {}

void open_producer::put(std::uint64_t number) {
  job_mark::write_hex(static_cast<std::uint32_t>(number), put_.bytes.data() + put_.number_at);
  unsent_ += put_.bytes;
  awaited_.push_back(number);
  ++run_.counts.asked;
}

result<> open_producer::take(std::string_view bytes, instant now) {
  wire::beanstalk_reply reply;
  for (;;) {
    const auto step = reader_.next(bytes, reply);
    if (step == found::nothing) return {};
    if (step == found::nonsense || awaited_.empty()) return not_the_protocol();
    if (reply.word != beanstalk_word::inserted) return refused("put", reply.word);
    const instant due = run_.due(awaited_.front());
    run_.counts.answered_late(run_stats::put, now - due, 1, now, due);
    awaited_.pop_front();
  }
}

open_consumer::open_consumer(open_run& run) : run_{run} {
  wire::beanstalk_command reserve;
  reserve.verb = wire::beanstalk_verb::reserve;
  wire::append(reserve_, reserve);
  delete_.verb = wire::beanstalk_verb::delete_job;
  piece_ = reserve_;
}

result<> open_consumer::take(std::string_view bytes, instant now) {
  wire::beanstalk_reply reply;
  for (;;) {
    const auto step = reader_.next(bytes, reply);
    if (step == found::nothing) return {};
    if (step == found::nonsense) return not_the_protocol();
    if (deleting_) {
      if (reply.word != beanstalk_word::deleted) return refused("delete of a job just reserved", reply.word);
      run_.counts.answered_late(run_stats::remove, now - deleted_at_, 1, now, due_);
      deleting_ = false;
    } else {
      if (reply.word != beanstalk_word::reserved) return refused("reserve", reply.word);
      if (auto taken = take_job(reply, now); !taken) return taken;
    }
  }
}

result<> open_consumer::take_job(const wire::beanstalk_reply& reply, instant now) {
  const auto mark = job_mark::read(reply.chunk);
  if (!mark || mark->run != run_.run) return foreign_job(reply.number);
  if (auto once = run_.ledger.note_delivered(mark->number); !once) return once;
  due_ = run_.due(mark->number);
  if (run_.counts.counts(due_)) run_.counts.jobs.note(now - due_);
  delete_and_reserve_.clear();
  delete_.job = reply.number;
  wire::append(delete_and_reserve_, delete_);
  delete_and_reserve_ += reserve_;
  piece_ = delete_and_reserve_;
  deleting_ = true;
  deleted_at_ = now;
  ++run_.counts.asked;
  return {};
}

}  // namespace millrace::tools
