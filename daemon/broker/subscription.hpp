#pragma once

#include <cassert>
#include <functional>
#include <list>
#include <utility>

namespace millrace::broker {

class subscriber_list;

/// A function is called on each event until its subscription ends. Move-only; an empty subscription does nothing.
///
/// Owned by the subscriber. Its destructor or an assignment ends it, even while its function runs. The function is not
/// called after that. Requires: the subscription ends before the list (asserted by the list).
class [[nodiscard]] subscription {
 public:
  subscription() = default;
  subscription(subscription&& other) noexcept : list_{std::exchange(other.list_, nullptr)}, entry_{other.entry_} {}
  subscription& operator=(subscription&& other) noexcept;
  ~subscription() { end(); }

 private:
  friend class subscriber_list;
  using entries = std::list<std::function<void()>>;

  subscription(subscriber_list& list, entries::iterator entry) : list_{&list}, entry_{entry} {}
  void end() noexcept;

  subscriber_list* list_{nullptr};
  entries::iterator entry_{};
};

/// The subscribers of one kind of event, called in the order in which they subscribed.
///
/// Owned by the object that announces the event; one thread. A function may end subscriptions, its own included. It may
/// add subscriptions, whose functions may be called for the same event. Requires: no function causes the same event
/// again (asserted).
class subscriber_list {
 public:
  subscriber_list() = default;
  ~subscriber_list() { assert(entries_.empty()); }
  subscriber_list(const subscriber_list&) = delete;
  subscriber_list& operator=(const subscriber_list&) = delete;

  [[nodiscard]] subscription add(std::function<void()> on_event) {
    return {*this, entries_.insert(entries_.end(), std::move(on_event))};
  }

  void notify() {
    assert(running_ == entries_.end());
    for (next_ = entries_.begin(); next_ != entries_.end();) {
      running_ = next_++;
      (*running_)();
      ended_.clear();
    }
    running_ = entries_.end();
  }

 private:
  friend class subscription;
  using entries = subscription::entries;

  void remove(entries::iterator entry) noexcept {
    if (entry == next_) ++next_;
    if (entry == running_) {
      ended_.splice(ended_.end(), entries_, entry);  // the function runs, so it is destroyed when it has returned
    } else {
      entries_.erase(entry);
    }
  }

  entries entries_;
  entries ended_;
  entries::iterator running_{entries_.end()};
  entries::iterator next_{entries_.end()};  ///< to be called next, during `notify`
};

inline subscription& subscription::operator=(subscription&& other) noexcept {
  if (this == &other) return *this;
  end();
  list_ = std::exchange(other.list_, nullptr);
  entry_ = other.entry_;
  return *this;
}

inline void subscription::end() noexcept {
  if (list_ != nullptr) std::exchange(list_, nullptr)->remove(entry_);
}

}  // namespace millrace::broker
