#pragma once

#include <memory>

#include <boost/system/error_code.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::network {

/// What has changed at a socket since its owner was told last.
struct readiness_news {
  bool readable{false};  ///< bytes have come, or an end
  bool urgent{false};    ///< something urgent came: a receive stops short of it, although there may be more
  bool writable{false};  ///< there is room again
  bool said_all{false};  ///< the other side sends no more; what it sent may be left to be read
  bool gone{false};      ///< the other side takes nothing any more; what it sent may be left to be read
};

/// Who has sockets watched. Told on the loop's thread, on behalf of no task, never inside a call of its own.
class readiness_listener {
 public:
  virtual void told(readiness_news what) = 0;

 protected:
  ~readiness_listener() = default;
};

/// Many sockets that stand in the loop as one: an epoll descriptor of their own, for which the loop waits. One wake-up tells all owners whose
/// sockets have news, at most `told_in_a_row` of them, and not for longer than `told_for`, before the loop does other things; no receive is made in
/// vain, and no operation is allocated.
///
/// An owner is told of changes only: who leaves something unread remembers it and comes back by itself. What is there when a socket is added is
/// news. Room for more to write is news for those who have asked for it.
///
/// Belongs to whoever owns the sockets; loop thread only. It keeps the loop running while it watches any, and must watch none when it ends.
class readiness {
 public:
  static constexpr int told_in_a_row = 64;
  static constexpr duration told_for = microseconds{500};

  /// Throws when the system gives no descriptor.
  explicit readiness(loop::event_loop& loop);
  ~readiness();
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;

  /// `owner` is told of `descriptor`, a connected socket, until it is removed. The error is that of a system without room for it.
  [[nodiscard]] boost::system::error_code add(int descriptor, readiness_listener& owner);
  /// The same, and of room for more to write from now on; there may be some already.
  void tell_writable(int descriptor, readiness_listener& owner);
  /// Before the descriptor is closed. `owner` is told nothing more, also not what was on its way.
  void remove(int descriptor, readiness_listener& owner) noexcept;

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::network
