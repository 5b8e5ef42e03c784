#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/job_table.hpp"
#include "engine/job_walk.hpp"

namespace millrace::engine {

/// A walk over the jobs of one queue that are in one state, in the order in which they entered it. Its positions are
/// jobs; `no_slot` is behind the last one. The walk is over when its queue is removed: then no queue has the id `queue`
/// any more.
struct cursor {
  cursor_id id;
  queue_id queue;
  job_state state{job_state::ready};
  bool owned{false};
  std::uint32_t page{0};      ///< the present one; 0: none was begun
  bool repeats{false};        ///< it is read again: from `page_begin` to `next`
  slot page_begin{no_slot};   ///< the first job of the present page
  slot at{no_slot};           ///< the job that is read next
  slot next{no_slot};         ///< the first job of the next page
  slot last{no_slot};         ///< no later job is part of the walk
  std::uint64_t used{0};      ///< ordinal of its last use
  job_id body_decided_for{};  ///< a job whose body was searched elsewhere
  bool body_matches{false};   ///< the result of that
};

/// The cursors of the engine. When a job leaves its state, each position at it moves to the job that entered next. A
/// position costs nothing but a bit of its job (`job::pinned`), and other jobs cost nothing.
///
/// Owned by the engine; its thread. Limits: beyond `most` cursors that nobody owns, the least recently used one is
/// forgotten. An owned cursor stays until it is closed.
class cursors {
 public:
  explicit cursors(std::size_t most) noexcept : most_{most} {}

  /// `first` and `last`: of the jobs in that state; both `no_slot`: there is none.
  cursor& open(job_table& jobs, queue_id queue, job_state state, slot first, slot last, cursor_owner owner);
  void close(cursor_id id) noexcept;
  /// Counts as a use. Null: it was closed or forgotten, or never was. The pointer is valid until the next `open`.
  [[nodiscard]] cursor* find(cursor_id id) noexcept;
  /// Is no use.
  [[nodiscard]] bool contains(cursor_id id) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  /// Makes `page` the present page: the next one, or the present one again. False: it is neither.
  static bool begin_page(job_table& jobs, cursor& walk, std::uint32_t page) noexcept;
  /// The job to be read next; `no_slot` at the end of the page or of the walk.
  [[nodiscard]] static slot present(const cursor& walk) noexcept;
  /// Moves behind that job. Requires: there is one.
  static void pass(job_table& jobs, cursor& walk) noexcept;

  /// The job leaves its state. Requires: it is still in the list of that state.
  void leave(job_table& jobs, slot at) noexcept;

 private:
  [[nodiscard]] static slot after(const job_table& jobs, const cursor& walk, slot at) noexcept;
  static slot pin(job_table& jobs, slot at) noexcept;
  void forget_least_used();

  std::size_t most_;
  std::vector<cursor> all_;
  std::uint64_t last_id_{0};
  std::uint64_t uses_{0};
};

}  // namespace millrace::engine
