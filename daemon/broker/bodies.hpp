#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/result.hpp>

#include "engine/change.hpp"
#include "engine/engine.hpp"
#include "store/store.hpp"

namespace millrace::broker {

/// Reads bodies back from disk before their jobs are handed out, and tells the engine which bodies are durable and need
/// not stay in memory. The engine decides which bodies leave memory and return; the store reads them. Keeps the
/// sessions that peek at a body on disk.
///
/// Belongs to the broker, on the loop's thread. Does nothing with a store that cannot read bodies. Without a memory
/// limit for bodies, only those that the start left on disk are read.
class bodies {
 public:
  bodies(engine::engine& engine, store::store& store, bool bounded);

  /// Whether durable bodies may leave memory.
  [[nodiscard]] bool bounded() const noexcept { return bounded_; }
  /// The changes of one command, before the store takes them; then the batch with which they become durable.
  void note(const engine::change_set& changes);
  void written_with(store::batch_id batch);
  /// More has become durable. Handles `moves_per_turn_max` jobs; call it again while `is_behind`.
  void on_durable();
  [[nodiscard]] bool is_behind() const {
    return !not_durable_.empty() && not_durable_.front().first <= store_.durable_up_to();
  }
  /// After a command: requests the bodies that the engine wants.
  void follow_up();

  /// The session peeks at a job whose body is on disk only. Requires: it peeks at no other.
  void begin_peek(session_id session, job_id job);
  void end_peek(session_id session);
  /// The sessions that peeked at a job whose body was read or could not be read; their peeks end.
  [[nodiscard]] std::vector<session_id> take_peekers(job_id job);

 private:
  engine::engine& engine_;
  store::store& store_;
  const bool bounded_;
  std::vector<job_id> noted_;
  std::deque<std::pair<store::batch_id, job_id>> not_durable_;  ///< puts, in order of their batches
  std::vector<job_id> wanted_;
  std::unordered_map<session_id, job_id> peeked_jobs_;
  std::unordered_multimap<job_id, session_id> peekers_;
};

}  // namespace millrace::broker
