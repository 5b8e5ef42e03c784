#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include <millrace/base/ids.hpp>

#include "engine/change.hpp"

namespace millrace::broker {

/// What a producer's source has moved on by with the body that it puts.
struct source_step {
  const engine::source_name* source{nullptr};
  engine::source_place to;
};

/// Source steps on their way to the store. A step is stored with the changes of its put: at once, or when the queue
/// admits it later. The step of a body that the queue refused is stored alone, since that body is not put again.
///
/// Belongs to the broker, on the loop's thread.
class source_steps {
 public:
  void add(session_id session, const engine::source_moved& moved, engine::put_status status) {
    if (status == engine::put_status::waiting) waiting_.insert_or_assign(session, moved);
    if (status == engine::put_status::inserted || status == engine::put_status::refused) taken_.push_back(moved);
  }
  void admitted(session_id session) {
    if (waiting_.empty()) return;
    const auto found = waiting_.find(session);
    if (found == waiting_.end()) return;
    taken_.push_back(found->second);
    waiting_.erase(found);
  }
  /// The put that waited was withdrawn: its body was not put.
  void withdrawn(session_id session) {
    if (!waiting_.empty()) waiting_.erase(session);
  }
  void append_to(engine::change_set& changes) {
    for (const auto& step : taken_) changes.emplace_back(step);
    taken_.clear();
  }

 private:
  std::vector<engine::source_moved> taken_;  ///< by the command at hand
  std::unordered_map<session_id, engine::source_moved> waiting_;
};

}  // namespace millrace::broker
