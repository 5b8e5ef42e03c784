#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/command.hpp"
#include "engine/durability.hpp"
#include "engine/group_facts.hpp"

/// What a command changed: facts, not intentions. A store that applies them in order has the same jobs. A reserved job
/// counts as ready there, since it is ready after a crash. So no change says that a ready job was reserved or touched,
/// except for a hand-out of a job whose interruptions are limited (`job_moved::handed_out`). Each change carries its
/// durability: that of its queue, or `relaxed` where the queue is in memory now but the store has an earlier change of
/// the same job.
namespace millrace::engine {

struct job_put {
  job_id job;
  queue_id queue;
  job_state state;  ///< ready or delayed; of a job that comes from a queue in memory also buried
  put_request request;
  instant put_at;
  instant due;             ///< when delayed
  std::string error_text;  ///< of a job that comes from a queue in memory, as the next
  engine::durability durability{engine::durability::memory};
  job_tally tally{};
  std::shared_ptr<const job_details> details{};  ///< null: it has none
};
/// Its present state, queue and counts; what was before does not matter.
struct job_moved {
  job_id job;
  queue_id queue;
  job_state state;
  engine::priority priority;
  duration delay;  ///< the last one it was given
  instant due;     ///< when delayed
  job_tally tally;
  std::string error_text;  ///< its last error, also of a retried or interrupted job; empty: none
  engine::durability durability{engine::durability::memory};
  /// The job was handed out and its queue counts interruptions: if the program dies now, it was interrupted. `state` is
  /// `reserved`.
  bool handed_out{false};
  std::shared_ptr<const job_details> details{};  ///< null: it has none
  queue_id from{};  ///< the queue that it left with this change; none: it stays in its queue
};
struct job_gone {
  job_id job;
  queue_id queue;
  engine::durability durability{engine::durability::memory};
};
struct queue_paused {
  queue_id queue;
  instant until;  ///< `never` is no pause that ends; `no_pause` ends it
  duration length;
  engine::durability durability{engine::durability::memory};
};

/// A producer of the settings, and the kind of its source. The store owns it; its address is its identity.
struct source_name {
  std::string producer;
  std::string kind;
};
/// How far a source was read: see <millrace/sources/source.hpp>.
struct source_place {
  std::uint64_t place{0};     ///< at most 2^63-1
  std::uint64_t checksum{0};  ///< of what precedes the place
  std::uint64_t bodies{0};    ///< put or refused up to the place

  friend bool operator==(const source_place&, const source_place&) = default;
};
/// Comes from the broker, in the change set of the put to which it belongs, so that both are on disk or neither.
struct source_moved {
  queue_id queue;
  const source_name* source;
  source_place to;
  engine::durability durability{engine::durability::memory};
};

/// A group as it is now (engine/group_facts.hpp): it was opened, or got a member, or was closed, or ended.
struct group_changed {
  group_id group;
  group_facts facts;
  engine::durability durability{engine::durability::memory};
};
/// A member has ended. Until then, the job's own `job_details` name its group and its place.
struct group_member_ended {
  group_id group;
  std::uint32_t place{0};
  group_member member;
  engine::durability durability{engine::durability::memory};
};
/// The group and all its members are forgotten.
struct group_gone {
  group_id group;
  engine::durability durability{engine::durability::memory};
};
/// A long action on many jobs, as its owner describes it. It comes from the broker and is given back at the start.
struct action_kept {
  std::uint64_t action{0};
  std::string description;  ///< JSON
  engine::durability durability{engine::durability::memory};
};
struct action_gone {
  std::uint64_t action{0};
  engine::durability durability{engine::durability::memory};
};

using change = std::variant<job_put, job_moved, job_gone, queue_paused, source_moved, group_changed, group_member_ended,
                            group_gone, action_kept, action_gone>;

/// The changes of one command, all or none.
using change_set = std::vector<change>;

/// A job as a store kept it, given back at the start. Reserved jobs were kept as ready ones.
struct kept_job {
  job_id job;
  queue_id queue;
  job_state state{job_state::ready};
  put_request request;
  /// Its body was left on disk and has so many bytes; `request.content` is empty.
  std::optional<std::uint32_t> bytes_on_disk{};
  /// Its body was left on disk though it fits into memory: it is requested at once.
  bool read_at_start{false};
  instant put_at{};
  instant due{};  ///< when delayed; may be past
  job_tally tally;
  std::string error_text;
  bool handed_out{false};                        ///< it was when the program died: one more interruption
  std::shared_ptr<const job_details> details{};  ///< null: it has none
};
/// A group as a store kept it, with the members that have ended, by their place.
struct kept_group {
  group_id group;
  group_facts facts;
  std::vector<std::pair<std::uint32_t, group_member>> ended;
};

}  // namespace millrace::engine
