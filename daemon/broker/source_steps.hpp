#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>

#include "engine/change.hpp"

namespace millrace::broker {

/// The position of a producer's source after the body that it puts now.
struct source_step {
  const engine::source_name* source{nullptr};
  engine::source_place to;
};

/// Source steps on their way to the store. A step is stored with the changes of its put: at once, or when the queue
/// admits the put later. The step of a body that the queue refused is stored alone, since that body is not put again.
/// The step of a put that was withdrawn is dropped.
///
/// Belongs to the broker, on the loop's thread.
class source_steps {
 public:
  void add(session_id session, const engine::source_moved& step, engine::put_status status) {
    if (status == engine::put_status::waiting) waiting_.insert_or_assign(session, step);
    if (status == engine::put_status::inserted || status == engine::put_status::refused) decided_.push_back(step);
  }
  void on_admitted(session_id session) {
    if (waiting_.empty()) return;
    const auto found = waiting_.find(session);
    if (found == waiting_.end()) return;
    decided_.push_back(found->second);
    waiting_.erase(found);
  }
  /// The put that waited was withdrawn: its body was not put.
  void on_withdrawn(session_id session) {
    if (!waiting_.empty()) waiting_.erase(session);
  }
  void append_to(engine::change_set& changes) {
    for (const auto& step : decided_) changes.emplace_back(step);
    decided_.clear();
  }

 private:
  std::vector<engine::source_moved> decided_;  ///< to be stored with the changes of the current command
  std::unordered_map<session_id, engine::source_moved> waiting_;
};

}  // namespace millrace::broker
