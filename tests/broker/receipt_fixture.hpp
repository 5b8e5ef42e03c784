#pragma once

#include <utility>
#include <vector>

#include "broker/broker_fixture.hpp"
#include "broker/decision.hpp"
#include "broker/manual_store.hpp"
#include "support/catch.hpp"

namespace millrace::testing {

struct has_store {
  manual_store store;
};

struct taker final : broker::decision_taker {
  void on_decision(broker::decision&& decision) noexcept override { decisions.push_back(std::move(decision)); }
  std::vector<broker::decision> decisions;
};

inline engine::engine_options bodies_on_disk() {
  engine::engine_options limits;
  limits.body_memory_max = 0;
  return limits;
}

/// A broker on a manual store, with a queue of the given durability that holds at most two jobs, and a worker that
/// watches it. Everything so far is durable, the block of ids included.
struct receipt_fixture : has_store, broker_fixture {
  explicit receipt_fixture(engine::durability promised, engine::engine_options limits = {})
      : broker_fixture{&store, limits},
        promise{promised},
        work{queue("work", {.max_jobs = 2, .when_full = engine::overflow::block, .durability = promised})},
        worker{watching_session("work")} {
    put(queue("other"), "takes the block of ids");
    store.commit_all();
  }

  job_id add() {
    const auto job = put(work, "a").job;
    store.commit_all();
    return job;
  }
  job_id add_reserved() {
    const auto job = add();
    REQUIRE(broker.try_reserve(worker, engine::lease::unlimited).answer.job.job == job);
    return job;
  }
  job_id add_buried() {
    const auto job = add_reserved();
    REQUIRE(broker.bury(worker, job, 0).answer);
    store.commit_all();
    return job;
  }
  /// The receipt that the answer to the last change, one of the queue `work`, must have.
  [[nodiscard]] broker::receipt of_last_change() const {
    switch (promise) {
      case engine::durability::sync:
        return {.batch = store.newest, .written_with = store.newest};
      case engine::durability::relaxed:
        return {.batch = 0, .written_with = store.newest};
      case engine::durability::memory:
        break;
    }
    return {};
  }

  engine::durability promise;
  queue_id work;
  session_id worker;
};

inline constexpr engine::durability promises[] = {engine::durability::sync, engine::durability::relaxed,
                                                  engine::durability::memory};

}  // namespace millrace::testing
