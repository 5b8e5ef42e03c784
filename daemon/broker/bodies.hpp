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

/// Reads bodies back from disk before their jobs leave, and tells the engine which bodies are durable and need not stay
/// in memory. The engine decides which ones leave and return; the store reads them. Sessions that peek at a body on
/// disk are kept here.
///
/// Belongs to the broker, on the loop's thread. Does nothing with a store that cannot read bodies. Without a memory
/// limit for bodies, only those that the start left on disk are read.
class bodies {
 public:
  bodies(engine::engine& engine, store::store& store, bool bounded);

  /// Whether durable bodies may leave memory.
  [[nodiscard]] bool bounded() const noexcept { return bounded_; }
  /// The changes of one command, before the store takes them; then the batch with which they will be safe.
  void note(const engine::change_set& changes);
  void went_with(store::batch_id batch);
  /// More has become safe. A thousand at a time: then it is behind, and wants to be called again.
  void more_is_safe();
  [[nodiscard]] bool is_behind() const { return !unsafe_.empty() && unsafe_.front().first <= store_.safe_up_to(); }
  /// After a command: asks for what the engine wants.
  void follow_up();

  /// Somebody looks at a job whose body is on disk only; one job at a time.
  void look(session_id who, job_id job);
  void look_no_more(session_id who);
  /// Who looked at a job whose body has come or could not be read; they look no more.
  [[nodiscard]] std::vector<session_id> lookers(job_id job);

 private:
  engine::engine& engine_;
  store::store& store_;
  const bool bounded_;
  std::vector<job_id> noted_;
  std::deque<std::pair<store::batch_id, job_id>> unsafe_;  ///< puts, in order of their batches
  std::vector<job_id> wanted_;
  std::unordered_map<session_id, job_id> looked_at_;
  std::unordered_multimap<job_id, session_id> lookers_;
};

}  // namespace millrace::broker
