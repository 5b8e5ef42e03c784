// What the protocol says about tubes.
#include "beanstalk/dialect.hpp"

#include "broker/view.hpp"

namespace millrace::beanstalk {

namespace {

using word = wire::beanstalk_word;

/// Queues that one turn of list-tubes names.
constexpr std::size_t listed_a_turn = 1'000;

}  // namespace

progress dialect::use(command& what, outbox& replies) {
  if (!broker_.use(session_, what.tube)) return say(replies, word::out_of_memory);
  wire::append_using(replies.text(), what.tube);
  return progress::answered;
}

progress dialect::watch(command& what, outbox& replies) {
  return say_watching(replies, broker_.watch(session_, what.tube), word::out_of_memory);
}

progress dialect::ignore(command& what, outbox& replies) {
  return say_watching(replies, broker_.ignore(session_, what.tube), word::not_ignored);
}

progress dialect::say_watching(outbox& replies, const result<std::size_t>& count, word refusal) {
  if (!count) return say(replies, refusal);
  wire::append(replies.text(), word::watching, *count);
  return progress::answered;
}

progress dialect::pause_tube(command& what, outbox& replies) {
  const auto queue = broker_.find(what.tube);
  return say_if(replies, queue && noted(broker_.pause(*queue, seconds{what.delay})), word::paused);
}

progress dialect::list_tube_used(command&, outbox& replies) {
  wire::append_using(replies.text(), broker_.looking().name_of(broker_.looking().used(session_)));
  return progress::answered;
}

progress dialect::list_tubes_watched(command&, outbox& replies) {
  wire::beanstalk_yaml all;
  for (const auto id : broker_.looking().watched(session_)) all.add_item(broker_.looking().name_of(id));
  wire::append_chunk(replies.text(), all.text());
  return progress::answered;
}

progress dialect::list_tubes(command&, outbox& replies) { return go_on(unfinished_.emplace<listing>(), replies); }

progress dialect::stats(command&, outbox& replies) {
  const auto yaml = stats_of_server(broker::view{broker_}, counts_, facts_, loop_.now());
  wire::append_chunk(replies.text(), yaml.text());
  return progress::answered;
}

progress dialect::stats_job(command& what, outbox& replies) {
  const auto found = broker::view{broker_}.look(job_id{what.job});
  if (!found) return say(replies, word::not_found);
  const auto yaml = stats_of_job(*found, broker_.looking().name_of(found->queue), loop_.now());
  wire::append_chunk(replies.text(), yaml.text());
  return progress::answered;
}

progress dialect::stats_tube(command& what, outbox& replies) {
  const auto found = broker::view{broker_}.queue(what.tube);
  if (!found) return say(replies, word::not_found);
  wire::append_chunk(replies.text(), stats_of_tube(*found, loop_.now()).text());
  return progress::answered;
}

progress dialect::kick(command& what, outbox& replies) {
  return go_on(unfinished_.emplace<kicking>(
                   kicking{broker_.looking().used(session_), what.count, 0, engine::engine::kick_from::undecided}),
               replies);
}

// --- what takes more than one turn ----------------------------------------------------------------------------------------

outcome dialect::proceed(outbox& replies) {
  auto* const kick = std::get_if<kicking>(&unfinished_);
  const auto reached = kick != nullptr ? go_on(*kick, replies) : go_on(std::get<listing>(unfinished_), replies);
  return {reached, receipt_};
}

progress dialect::go_on(kicking& it, outbox& replies) {
  const auto kicked = noted(broker_.kick(it.queue, it.left, it.from));
  it.left -= kicked;
  it.kicked += kicked;
  if (kicked == engine::moves_per_turn_max && it.left > 0) return progress::partial;
  wire::append(replies.text(), word::kicked_count, it.kicked);
  unfinished_ = {};
  return progress::answered;
}

progress dialect::go_on(listing& it, outbox& replies) {
  std::vector<queue_id> some;
  const broker::view view{broker_};
  it.place = view.list_queues(it.place, listed_a_turn, some);
  for (const auto id : some) it.yaml.add_item(broker_.looking().name_of(id));
  counts_.held_bytes += it.yaml.held_bytes() - it.counted;
  it.counted = it.yaml.held_bytes();
  // At the end there are two copies of it for a moment.
  const bool too_much = counts_.held_bytes + (it.place == 0 ? it.yaml.text().size() : 0) >= held_bytes_max_;
  if (it.place != 0 && !too_much) return progress::partial;
  if (!too_much) wire::append_chunk(replies.text(), it.yaml.text());
  end_listing();
  return too_much ? say(replies, word::out_of_memory) : progress::answered;
}

void dialect::end_listing() {
  if (const auto* const it = std::get_if<listing>(&unfinished_)) counts_.held_bytes -= it->counted;
  unfinished_ = {};
}

}  // namespace millrace::beanstalk
