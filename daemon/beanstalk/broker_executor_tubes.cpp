// The commands on tubes that take one turn.
#include "beanstalk/broker_executor.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

}  // namespace

progress broker_executor::use(command& request, outbox& replies) {
  if (!broker_.use(session_, request.tube)) return reply(replies, word::out_of_memory);
  wire::append_using(replies.append_buffer(), request.tube);
  return progress::answered;
}

progress broker_executor::watch(command& request, outbox& replies) {
  return reply_watching(replies, broker_.watch(session_, request.tube), word::out_of_memory);
}

progress broker_executor::ignore(command& request, outbox& replies) {
  return reply_watching(replies, broker_.ignore(session_, request.tube), word::not_ignored);
}

progress broker_executor::reply_watching(outbox& replies, const result<std::size_t>& count, word refusal) {
  if (!count) return reply(replies, refusal);
  wire::append(replies.append_buffer(), word::watching, *count);
  return progress::answered;
}

progress broker_executor::pause_tube(command& request, outbox& replies) {
  const auto queue = broker_.find(request.tube);
  return reply_or_not_found(replies, queue && note_receipt(broker_.pause(*queue, seconds{request.delay})),
                            word::paused);
}

progress broker_executor::list_tube_used(command&, outbox& replies) {
  wire::append_using(replies.append_buffer(), broker_.engine().name_of(broker_.engine().used(session_)));
  return progress::answered;
}

progress broker_executor::list_tubes_watched(command&, outbox& replies) {
  wire::beanstalk_yaml all;
  for (const auto id : broker_.engine().watched(session_)) all.add_item(broker_.engine().name_of(id));
  wire::append_chunk(replies.append_buffer(), all.text());
  return progress::answered;
}

}  // namespace millrace::beanstalk
