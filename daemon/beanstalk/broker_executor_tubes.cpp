// The commands on tubes, statistics, and those that take more than one turn.
#include "beanstalk/broker_executor.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

/// Queues that list-tubes names in one turn.
constexpr std::size_t listed_per_turn = 1'000;

}  // namespace

progress broker_executor::use(command& request, outbox& replies) {
  if (!broker_.use(session_, request.tube)) return reply(replies, word::out_of_memory);
  wire::append_using(replies.text(), request.tube);
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
  wire::append(replies.text(), word::watching, *count);
  return progress::answered;
}

progress broker_executor::pause_tube(command& request, outbox& replies) {
  const auto queue = broker_.find(request.tube);
  return reply_if(replies, queue && noted(broker_.pause(*queue, seconds{request.delay})), word::paused);
}

progress broker_executor::list_tube_used(command&, outbox& replies) {
  wire::append_using(replies.text(), broker_.engine().name_of(broker_.engine().used(session_)));
  return progress::answered;
}

progress broker_executor::list_tubes_watched(command&, outbox& replies) {
  wire::beanstalk_yaml all;
  for (const auto id : broker_.engine().watched(session_)) all.add_item(broker_.engine().name_of(id));
  wire::append_chunk(replies.text(), all.text());
  return progress::answered;
}

progress broker_executor::list_tubes(command&, outbox& replies) {
  return proceed(unfinished_.emplace<listing>(), replies);
}

progress broker_executor::stats(command&, outbox& replies) {
  const auto yaml = stats_of_server(broker_.engine(), context_.counts, facts_, loop_.now());
  wire::append_chunk(replies.text(), yaml.text());
  return progress::answered;
}

progress broker_executor::stats_job(command& request, outbox& replies) {
  const auto found = broker_.engine().look(job_id{request.job});
  if (!found) return reply(replies, word::not_found);
  const auto yaml = stats_of_job(*found, broker_.engine().name_of(found->queue), loop_.now());
  wire::append_chunk(replies.text(), yaml.text());
  return progress::answered;
}

progress broker_executor::stats_tube(command& request, outbox& replies) {
  const auto& engine = broker_.engine();
  const auto found = engine.find(request.tube);
  if (!found) return reply(replies, word::not_found);
  const auto yaml = stats_of_tube(request.tube, engine.levels(*found), engine.counts(*found), loop_.now());
  wire::append_chunk(replies.text(), yaml.text());
  return progress::answered;
}

progress broker_executor::kick(command& request, outbox& replies) {
  return proceed(unfinished_.emplace<kicking>(
                     kicking{broker_.engine().used(session_), request.count, 0, engine::engine::kick_from::undecided}),
                 replies);
}

// --- commands of more than one turn ----------------------------------------------------------------------------------

command_result broker_executor::proceed(outbox& replies) {
  auto* const kick = std::get_if<kicking>(&unfinished_);
  const auto reached = kick != nullptr ? proceed(*kick, replies) : proceed(std::get<listing>(unfinished_), replies);
  return {reached, receipt_};
}

progress broker_executor::proceed(kicking& kick, outbox& replies) {
  const auto kicked = noted(broker_.kick(kick.queue, kick.left, kick.from));
  kick.left -= kicked;
  kick.kicked += kicked;
  if (kicked == engine::moves_per_turn_max && kick.left > 0) return progress::partial;
  wire::append(replies.text(), word::kicked_count, kick.kicked);
  unfinished_ = {};
  return progress::answered;
}

progress broker_executor::proceed(listing& list, outbox& replies) {
  std::vector<queue_id> queues;
  list.cursor = broker_.engine().list_queues(list.cursor, listed_per_turn, queues);
  for (const auto id : queues) list.yaml.add_item(broker_.engine().name_of(id));
  context_.counts.held_bytes += list.yaml.held_bytes() - list.counted;
  list.counted = list.yaml.held_bytes();
  // At the end there are two copies of the text for a moment.
  const bool ends = list.cursor == 0;
  const bool too_much = !context_.has_memory_for(ends ? list.yaml.text().size() : 0);
  if (!ends && !too_much) return progress::partial;
  if (!too_much) wire::append_chunk(replies.text(), list.yaml.text());
  end_listing();
  return too_much ? reply(replies, word::out_of_memory) : progress::answered;
}

void broker_executor::end_listing() {
  if (const auto* const list = std::get_if<listing>(&unfinished_)) context_.counts.held_bytes -= list->counted;
  unfinished_ = {};
}

}  // namespace millrace::beanstalk
