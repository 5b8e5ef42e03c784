#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"
#include "loop/task_scope.hpp"
#include "store/memory_store.hpp"

namespace millrace::testing {

/// A broker on a loop whose clock the test moves, and coroutines that wait for its answers.
struct broker_fixture {
  explicit broker_fixture(store::store* store_or_null = nullptr, engine::engine_options limits = {})
      : broker{loop, store_or_null == nullptr ? default_store : *store_or_null, limits} {}
  ~broker_fixture() {
    scope.cancel();
    broker.close();
    loop.run_ready();
  }

  queue_id queue(std::string_view name, const engine::queue_options& options = {}) {
    return broker.declare(name, options).value();
  }
  session_id watching_session(std::string_view name) {
    const auto session = broker.open_session();
    broker.watch(session, name).value();
    return session;
  }
  engine::put_answer put(queue_id queue, std::string_view content, duration delay = {},
                         duration ttr = engine::default_ttr) {
    return broker.try_put(producer, queue, {.content = body{content}, .delay = delay, .ttr = ttr}).answer;
  }
  /// Puts a body and returns the receipt.
  broker::receipt receipt_of_put(queue_id queue, std::string_view content) {
    return broker.try_put(producer, queue, {.content = body{content}}).durable_with;
  }

  /// What a coroutine of `reserve`, `await_put` or `await_finish` received. Empty while it waits.
  struct answer {
    std::optional<engine::reserve_answer> reserved;
    std::optional<job_id> put;
    std::optional<engine::finish_answer> finished;
    bool aborted{false};
    broker::receipt receipt;  ///< of the answer
  };
  task_id reserve(session_id session, answer& into, instant until = never,
                  engine::lease lease = engine::lease::unlimited) {
    return scope.spawn("reserve", reserving(broker, session, lease, until, into));
  }
  task_id await_put(session_id session, answer& into) { return scope.spawn("put", putting(broker, session, into)); }
  task_id await_finish(session_id session, job_id job, answer& into) {
    return scope.spawn("finish", finishing(broker, session, job, into));
  }

  static loop::awaitable<> reserving(broker::broker& broker, session_id session, engine::lease lease, instant until,
                                     answer& into) {
    try {
      auto answered = co_await broker.reserve(session, lease, until);
      into.reserved = std::move(answered.answer);
      into.receipt = answered.durable_with;
    } catch (const boost::system::system_error&) {
      into.aborted = true;
    }
  }
  static loop::awaitable<> putting(broker::broker& broker, session_id session, answer& into) {
    try {
      const auto answered = co_await broker.put_admitted(session);
      into.put = answered.answer;
      into.receipt = answered.durable_with;
    } catch (const boost::system::system_error&) {
      into.aborted = true;
    }
  }
  static loop::awaitable<> finishing(broker::broker& broker, session_id session, job_id job, answer& into) {
    try {
      const auto answered = co_await broker.finished(session, job);
      into.finished = answered.answer;
      into.receipt = answered.durable_with;
    } catch (const boost::system::system_error&) {
      into.aborted = true;
    }
  }

  [[nodiscard]] engine::queue_levels levels(queue_id queue) const { return broker.engine().levels(queue); }

  loop::event_loop loop{loop::clock_kind::manual};
  store::memory_store default_store;
  broker::broker broker;
  loop::task_scope scope{loop};
  session_id producer{broker.open_session()};
};

/// A session holds a job of `from`, and `to` is full.
struct full_output_fixture : broker_fixture {
  full_output_fixture() {
    put(to, "in the way");
    static_cast<void>(broker.try_reserve(holder, engine::lease::unlimited));
  }

  queue_id from{queue("from")};
  queue_id to{queue("to", {.max_jobs = 1})};
  job_id job{put(from, "a").job};
  session_id holder{watching_session("from")};
};

}  // namespace millrace::testing
