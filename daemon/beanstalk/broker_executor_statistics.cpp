// The commands that show statistics.
#include "beanstalk/broker_executor.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

}  // namespace

progress broker_executor::stats(command&, outbox& replies) {
  const auto yaml = stats_of_server(broker_.engine(), context_.counts, facts_, loop_.now());
  wire::append_chunk(replies.append_buffer(), yaml.text());
  return progress::answered;
}

progress broker_executor::stats_job(command& request, outbox& replies) {
  const auto found = broker_.engine().look(job_id{request.job});
  if (!found) return reply(replies, word::not_found);
  const auto yaml = stats_of_job(*found, broker_.engine().name_of(found->queue), loop_.now());
  wire::append_chunk(replies.append_buffer(), yaml.text());
  return progress::answered;
}

progress broker_executor::stats_tube(command& request, outbox& replies) {
  const auto& engine = broker_.engine();
  const auto found = engine.find(request.tube);
  if (!found) return reply(replies, word::not_found);
  const auto yaml = stats_of_tube(request.tube, engine.levels(*found), engine.counts(*found), loop_.now());
  wire::append_chunk(replies.append_buffer(), yaml.text());
  return progress::answered;
}

}  // namespace millrace::beanstalk
