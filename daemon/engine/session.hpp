#pragma once

#include <cstdint>
#include <vector>

#include <millrace/base/ids.hpp>

#include "engine/capacity_waiters.hpp"
#include "engine/deadlines.hpp"
#include "engine/waiters.hpp"

namespace millrace::engine {

/// A client of the engine: the queues that it uses and watches, the jobs that it holds, and its waits.
struct session {
  session_id id;
  queue_id uses;
  std::vector<queue_id> watched;
  std::vector<waiter> waits_at;  ///< one for each watched queue; linked while `waits`
  bool open{false};
  bool waits{false};  ///< for a job
  bool closing{false};
  session_kind kind{session_kind::plain};
  lease wanted{lease::ttr};
  instant wait_until{never};
  slot awaited{no_slot};                         ///< the job it got, whose body is on its way from disk
  bool by_id{false};                             ///< it asked for that job and no other
  instant awaited_since{};                       ///< when that became ready; `never`: it was not ready
  slot held_first{no_slot}, held_last{no_slot};  ///< jobs, in order of reservation
  std::uint32_t held_deadline_soon{0};
  deadlines::heap_position timeout{0};
  capacity_waiter* put{nullptr};  ///< its put that waits for capacity
  std::vector<group_id> groups;   ///< that are closed when it ends
  slot next_free{no_slot};
};

/// Sessions by id. An id is the slot of a record and the generation of that slot: the id of a closed session never
/// names its successor. Constant time.
class session_table {
 public:
  static constexpr unsigned slot_bits = 24;

  session& open();
  void close(session& client) noexcept;
  /// nullptr when it is gone or never was.
  [[nodiscard]] session* find(session_id id) noexcept;
  [[nodiscard]] const session* find(session_id id) const noexcept;
  [[nodiscard]] session& operator[](slot at) noexcept { return sessions_[at]; }
  [[nodiscard]] const session& operator[](slot at) const noexcept { return sessions_[at]; }
  [[nodiscard]] static slot slot_of(const session& client) noexcept {
    return static_cast<slot>(client.id.value() & ((1u << slot_bits) - 1));
  }

 private:
  slab<session, &session::next_free, 64> sessions_;
};

}  // namespace millrace::engine
