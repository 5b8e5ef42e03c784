// A conversation driven by hand: the test decides what commands answer, what becomes durable, and what the client
// reads.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "beanstalk/conversation.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::testing {

/// Names of the commands that were executed.
using commands = std::vector<std::string>;

inline constexpr std::string_view use = "use a\r\n";
inline constexpr std::string_view reserve = "reserve\r\n";

/// Answers commands by their verb: `reserve` blocks, `list-tubes` takes `parts` turns, `put` and `delete` wait for a
/// batch of their own each, all others answer at once. Each executed command is noted.
class scripted_executor final : public beanstalk::command_executor {
 public:
  using verb = wire::beanstalk_verb;

  beanstalk::command_result execute(wire::beanstalk_command& command, network::outbox& replies) override {
    executed.push_back(std::string{name_of(command.verb)});
    switch (command.verb) {
      case verb::reserve:
        return {beanstalk::progress::blocked, {}};
      case verb::list_tubes:
        parts_left_ = parts;
        return proceed(replies);
      case verb::quit:
        return {beanstalk::progress::quit, {}};
      case verb::put:
        replies.append_buffer() += "INSERTED " + std::string{command.content.view()} + "\r\n";
        return {beanstalk::progress::answered, {.batch = ++newest_batch, .written_with = newest_batch}};
      case verb::delete_job:
        replies.append_buffer() += "DELETED\r\n";
        return {beanstalk::progress::answered, {.batch = ++newest_batch, .written_with = newest_batch}};
      default:
        replies.append_buffer() += std::string{name_of(command.verb)} + "\r\n";
        return {beanstalk::progress::answered, {}};
    }
  }
  void refuse(wire::beanstalk_command_reader::found, verb, network::outbox& replies) override {
    executed.emplace_back("refused");
    replies.append_buffer() += "REFUSED\r\n";
  }
  [[nodiscard]] bool is_partial() const noexcept override { return parts_left_ > 0; }
  beanstalk::command_result proceed(network::outbox& replies) override {
    if (--parts_left_ > 0) return {beanstalk::progress::partial, {}};
    replies.append_buffer() += "LIST\r\n";
    return {beanstalk::progress::answered, {}};
  }
  broker::receipt decide(broker::decision&& decision, network::outbox& replies) override {
    replies.append_buffer() += "RESERVED\r\n";
    return decision.durable_with;
  }
  bool give_up(network::outbox& replies) override {
    if (!can_give_up) return false;
    replies.append_buffer() += "TIMED_OUT\r\n";
    ++given_up;
    return true;
  }
  bool end_wait_for_drain(network::outbox& replies) override { return give_up(replies); }
  [[nodiscard]] bool holds_jobs() const override { return job_held; }
  [[nodiscard]] bool is_durable(const broker::receipt& receipt) const override { return receipt.batch <= durable; }
  [[nodiscard]] bool store_has_failed() const override { return store_failed; }
  bool backlog_exceeded() override { return newest_batch - durable > backlog_max; }

  std::vector<std::string> executed;
  store::batch_id newest_batch{0};
  store::batch_id durable{0};
  store::batch_id backlog_max{std::numeric_limits<store::batch_id>::max()};
  std::size_t parts{1};
  bool can_give_up{true};
  int given_up{0};
  bool job_held{false};
  bool store_failed{false};

 private:
  std::size_t parts_left_{0};
};

/// The conversation, its executor, and a client that reads as much as the test allows.
class scripted_conversation final : private beanstalk::reply_sink {
 public:
  using state = beanstalk::conversation::state;

  explicit scripted_conversation(const beanstalk::session_limits& limits = {}) : context{limits, spare_} {
    context.bodies.bytes_left = limits.all_bodies_bytes_max;
  }

  void receive(std::string_view bytes) {
    talk.receive(bytes, now);
    flush();
  }
  void decide(store::batch_id durable_with = 0) {
    talk.on_decision({.event = {}, .durable_with = {.batch = durable_with, .written_with = durable_with}});
  }
  /// Turns until it wants none.
  void run() {
    while (!closed && talk.wants_turn()) {
      talk.proceed(now);
      flush();
    }
  }
  /// The bytes that the client has read since the last call.
  std::string take() { return std::exchange(read_by_client, {}); }
  void client_reads(std::size_t bytes) {
    client_capacity = bytes;
    flush();
  }
  void commit() {
    executor.durable = executor.newest_batch;
    flush();
  }
  void flush() override {
    auto& replies = talk.replies();
    for (;;) {
      network::outbox::pieces some;
      replies.gather(some, talk.writable_up_to());
      std::size_t taken = 0;
      for (std::size_t piece = 0; piece < some.count && client_capacity > 0; ++piece) {
        const auto bytes = std::min(some.list[piece].iov_len, client_capacity);
        read_by_client.append(static_cast<const char*>(some.list[piece].iov_base), bytes);
        client_capacity -= bytes;
        taken += bytes;
      }
      if (taken == 0) break;
      replies.mark_written(taken);
    }
    lost = lost || talk.has_lost_replies();
    closed = talk.must_close(now) || closed;
  }

 private:
  std::string spare_;

 public:
  instant now{seconds{1'000}};
  beanstalk::conversation_context context;
  scripted_executor executor;
  beanstalk::conversation talk{context, executor, *this};
  std::string read_by_client;
  std::size_t client_capacity{std::numeric_limits<std::size_t>::max()};
  bool closed{false};
  bool lost{false};
};

}  // namespace millrace::testing
