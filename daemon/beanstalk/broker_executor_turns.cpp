// The commands that may take more than one turn: kick and list-tubes.
#include "beanstalk/broker_executor.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

/// Queues that list-tubes names in one turn.
constexpr std::size_t listed_per_turn = 1'000;

}  // namespace

progress broker_executor::kick(command& request, outbox& replies) {
  return proceed(unfinished_.emplace<kicking>(
                     kicking{broker_.engine().used(session_), request.count, 0, engine::engine::kick_from::undecided}),
                 replies);
}

progress broker_executor::list_tubes(command&, outbox& replies) {
  return proceed(unfinished_.emplace<listing>(), replies);
}

command_result broker_executor::proceed(outbox& replies) {
  auto* const kick = std::get_if<kicking>(&unfinished_);
  const auto reached = kick != nullptr ? proceed(*kick, replies) : proceed(std::get<listing>(unfinished_), replies);
  return {reached, receipt_};
}

progress broker_executor::proceed(kicking& kick, outbox& replies) {
  const auto kicked = note_receipt(broker_.kick(kick.queue, kick.left, kick.from));
  kick.left -= kicked;
  kick.kicked += kicked;
  if (kicked == engine::moves_per_turn_max && kick.left > 0) return progress::partial;
  wire::append(replies.append_buffer(), word::kicked_count, kick.kicked);
  unfinished_ = {};
  return progress::answered;
}

progress broker_executor::proceed(listing& list, outbox& replies) {
  std::vector<queue_id> queues;
  list.cursor = broker_.engine().list_queues(list.cursor, listed_per_turn, queues);
  for (const auto id : queues) list.yaml.add_item(broker_.engine().name_of(id));
  context_.counts.held_bytes += list.yaml.held_bytes() - list.counted_bytes;
  list.counted_bytes = list.yaml.held_bytes();
  // At the end there are two copies of the text for a moment.
  const bool ends = list.cursor == 0;
  const bool too_much = !context_.has_memory_for(ends ? list.yaml.text().size() : 0);
  if (!ends && !too_much) return progress::partial;
  if (!too_much) wire::append_chunk(replies.append_buffer(), list.yaml.text());
  end_listing();
  return too_much ? reply(replies, word::out_of_memory) : progress::answered;
}

void broker_executor::end_listing() {
  if (const auto* const list = std::get_if<listing>(&unfinished_)) context_.counts.held_bytes -= list->counted_bytes;
  unfinished_ = {};
}

}  // namespace millrace::beanstalk
