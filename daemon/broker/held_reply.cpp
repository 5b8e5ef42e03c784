#include "broker/held_reply.hpp"

namespace millrace::broker {

held_reply::held_reply(loop::event_loop& loop, store::store& store)
    : loop_{loop}, store_{store}, remembers_{store.remembers()} {
  store_.when_safe([this] { wake_safe(); });
}

void held_reply::keep(engine::change_set& changes) {
  if (changes.empty()) return;
  if (const auto batch = store_.keep(changes); batch != 0) newest_ = batch;
}

loop::awaitable<> held_reply::until_safe(store::batch_id batch) {
  if (is_safe(batch)) co_return;
  holder held{{loop_, "commit"}};
  const auto place = waiting_.emplace(batch, &held);
  try {
    co_await held.point.wait();
  } catch (...) {
    if (!held.safe) {
      waiting_.erase(place);
      throw;
    }
  }
}

void held_reply::wake_safe() {
  const auto first_unsafe = waiting_.upper_bound(store_.safe_up_to());
  for (auto one = waiting_.begin(); one != first_unsafe; ++one) {
    one->second->safe = true;
    one->second->point.wake_one();
  }
  waiting_.erase(waiting_.begin(), first_unsafe);
}

}  // namespace millrace::broker
