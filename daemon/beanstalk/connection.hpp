#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "beanstalk/dialect.hpp"
#include "beanstalk/session.hpp"
#include "broker/backlog_share.hpp"
#include "broker/decision.hpp"
#include "loop/loop_core.hpp"
#include "network/listener.hpp"
#include "network/outbox.hpp"
#include "network/plain_socket.hpp"
#include "network/readiness.hpp"
#include "store/store.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::beanstalk {

class connection;

/// What all connections share.
struct surroundings {
  static constexpr std::size_t scratch_bytes = 64u << 10;

  surroundings(loop::event_loop& on, broker::broker& with, network::door_counts& at, const session_limits& within)
      : loop{on}, broker{with}, door{at}, limits{within}, clients{on} {}

  loop::event_loop& loop;
  broker::broker& broker;
  network::door_counts& door;
  session_limits limits;
  session_counts counts;
  server_facts facts;
  network::readiness clients;
  wire::body_budget bodies{};
  std::array<char, scratch_bytes> scratch{};  ///< what was read lies here while it is carried out
  std::string spare;                          ///< where replies are built
  commands_in_a_row unwritten;
  std::deque<connection*> await_commit;   ///< whose replies are held back
  std::function<void(connection&)> gone;  ///< a connection that has let go of everything: it is to be destroyed
};

/// One connection. It is told when there is something to read; what was read is carried out at once, unless an earlier command still waits: then it
/// lies in `input_` until that is answered. Replies are written once for all that was carried out in a row. Its coroutine only waits for the end.
///
/// Belongs to `sessions`, which destroys it when it says that it is gone: when its coroutine has ended, the broker has taken its session back and no
/// callback is on its way any more.
class connection final : private loop::ready_entry,
                         private network::readiness_listener,
                         private broker::decision_taker {
 public:
  connection(surroundings& shared, network::stream_socket socket);

  /// Until the client or the server ends the connection.
  loop::awaitable<> serve();
  /// The coroutine has ended, by itself or not.
  void served();
  /// The daemon drains: ends a wait for a job or for room, and the connection when it holds no job and its replies are written. May be called again.
  void drain();
  /// While it drains: it holds a job, or has a command that is not answered or a reply that waits for its commit.
  [[nodiscard]] bool has_work() const;
  /// Ends as soon as what is owed is written, whatever it holds.
  void finish();
  /// More has become safe on disk, or nothing does any more.
  void more_is_safe();

 private:
  enum class standing {
    ready,   ///< for the next command
    waits,   ///< for a decision of the broker
    later,   ///< for the next turn: what it does is done in parts, or others have theirs
    unread,  ///< for the client to read its replies, or for the disk to take what waits for it
  };
  using command = wire::beanstalk_command;
  using found = wire::beanstalk_command_reader::found;

  void told(network::readiness_news what) override;
  template <class Function>
  void guarded(const Function& what);
  void read();
  void read_on();
  void look_for_end();
  [[nodiscard]] bool paused() const noexcept;
  void take(std::string_view bytes);
  void end_of_input();

  void carry_out_input();
  /// Until it has to wait, or has done enough for one turn; returns what is left.
  std::string_view carry_out(std::string_view bytes);
  void go_on();
  void came(dialect::next what);
  void refuse(found why);
  void write();
  void hold_back(std::uint64_t from, const broker::receipt& receipt);
  [[nodiscard]] std::uint64_t may_leave();
  [[nodiscard]] bool store_has_failed_it();
  void wait_for_room();
  void close();

  void decided(broker::decision&& decision) noexcept override;
  void resume() override;
  void go_on_soon();
  void go_on_next_turn();
  void leave();
  [[nodiscard]] bool all_carried_out() const noexcept;
  [[nodiscard]] bool memory_is_short() const noexcept;
  void pause_if_full();
  void end_wait();
  [[nodiscard]] bool replies_full() const noexcept;
  [[nodiscard]] bool replies_taken() noexcept;
  void count_held();
  void stand(standing how);
  void observe_wait();

  surroundings& shared_;
  network::plain_socket socket_;
  loop::task_record& task_;
  wire::beanstalk_command_reader reader_;
  dialect dialect_;
  network::outbox replies_;
  /// From such a place on, replies leave only when that batch is safe; both rise.
  struct held_back {
    std::uint64_t from;
    broker::receipt receipt;
  };
  std::vector<held_back> held_;
  bool awaits_commit_{false};  ///< is among those of the surroundings
  broker::backlog_share share_;  ///< of the changes that wait to be written
  command command_;
  std::string input_;       ///< behind a command that waits
  std::size_t taken_{0};    ///< of `input_`
  std::size_t counted_{0};  ///< of replies and input, among the memory held for all
  std::optional<broker::decision> decision_;
  loop::deadline first_command_;
  loop::wait_point ended_;
  standing standing_{standing::ready};
  instant stands_since_{};
  wire::beanstalk_verb waiting_verb_{};
  std::exception_ptr thrown_;  ///< for the coroutine
  bool open_{true};
  bool watched_{false};
  bool may_read_{false};     ///< there may be something to read that is not told again
  bool urgent_{false};       ///< something urgent came
  bool said_all_{false};     ///< the client sends no more
  bool input_ended_{false};  ///< and all it sent was read
  bool gone_{false};         ///< the client takes nothing any more
  bool closing_{false};      ///< as soon as all is written
  bool queued_{false};       ///< on the list of what is ready
  bool awaits_room_{false};  ///< to write more
  bool asked_for_room_{false};
  bool served_{false};
};

}  // namespace millrace::beanstalk
