#include "engine/session.hpp"

#include <cassert>

namespace millrace::engine {

// A free record keeps the id it had, from which its next user's is made. With 36 bits for users, a record that is taken
// a thousand times a second lasts for two years of that before its first id comes back; ids stay below 2^60
// (deadlines).
session& session_table::open() {
  const slot at = sessions_.acquire();
  assert(at >> slot_bits == 0);
  session& client = sessions_[at];
  const auto users = client.id.value() >> slot_bits;
  constexpr auto users_max = (std::uint64_t{1} << 36) - 1;
  client.id = session_id{(client.id ? (users + 1) & users_max : 0) << slot_bits | at};
  client.open = true;
  return client;
}

void session_table::close(session& client) noexcept {
  const auto id = client.id;
  client = {};
  client.id = id;
  sessions_.release(slot_of(client));
}

session* session_table::find(session_id id) noexcept {
  return const_cast<session*>(static_cast<const session_table*>(this)->find(id));
}

const session* session_table::find(session_id id) const noexcept {
  const auto at = static_cast<slot>(id.value() & ((1u << slot_bits) - 1));
  if (!sessions_.contains(at)) return nullptr;
  const session& client = sessions_[at];
  return client.id == id && client.open ? &client : nullptr;
}

}  // namespace millrace::engine
