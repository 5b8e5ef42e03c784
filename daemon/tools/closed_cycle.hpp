#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "tools/delivery_ledger.hpp"
#include "tools/run_stats.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::tools {

/// The task of all connections of a closed loop.
struct closed_plan {
  enum class work {
    put,    ///< only puts
    drain,  ///< reserves and deletes until nothing is left
    mix     ///< puts, reserves as many, deletes those
  };

  work task{work::mix};
  std::uint32_t run{0};    ///< marks the jobs
  std::uint32_t depth{1};  ///< commands in flight on a connection
  std::uint32_t body_bytes{0};
  bool to_stay{false};    ///< the puts are a backlog: of a worse priority, and not in the ledger
  bool check{true};       ///< only jobs of the run may be delivered, each once; false: every job found is deleted
  std::uint64_t jobs{0};  ///< how many are put; 0: until `until`
  instant until{never};   ///< no further jobs are put
};

/// The state that the connections of a run share.
struct closed_run {
  closed_plan plan;
  delivery_ledger ledger;
  run_stats counts;
  std::uint64_t put{0};         ///< jobs of this plan so far
  std::vector<instant> put_at;  ///< when the jobs were sent, an entry for each `depth` of them
};

/// One connection of a closed loop without its socket: it produces the bytes to send and takes the bytes received. It
/// sends `depth` puts in one piece, then as many reserves, then deletes, and each piece when the one before is
/// answered. Owned by the driver of the connection; one thread.
class closed_cycle {
 public:
  static constexpr std::uint32_t depth_max = 1'000;
  /// In a mix a job is always ready, so a reserve that waits this long has failed.
  static constexpr std::uint32_t reserve_seconds = 10;

  explicit closed_cycle(closed_run& run);

  /// Starts the cycle. `next_piece` has the bytes to send after it.
  void begin(instant now);
  /// Takes bytes that were received at `now`. An error ends the run.
  result<> take(std::string_view bytes, instant now);

  /// The bytes to send now. Each piece is returned once; empty while replies are outstanding.
  [[nodiscard]] std::string_view next_piece() noexcept;
  /// True when the plan is done and every command is answered.
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  void begin_round(instant now);
  void send_puts(instant now);
  void send_reserves(std::uint32_t count, instant now);
  void send_deletes(instant now);
  void send(run_stats::kind leg, std::string_view piece, std::uint32_t answers, instant now) noexcept;
  result<> take_reply(const wire::beanstalk_reply& reply, instant now);
  result<> take_job(const wire::beanstalk_reply& reply, instant now);
  void leg_answered(instant now);
  void flush_ages(instant now) noexcept;

  closed_run& run_;
  wire::beanstalk_reply_reader reader_;
  wire::beanstalk_command delete_;
  std::string puts_;
  std::size_t put_bytes_{0};  ///< of one put
  std::size_t number_at_{0};  ///< in one put
  std::string reserves_;
  std::string deletes_;
  std::vector<std::uint64_t> held_;
  std::string_view piece_;
  run_stats::kind leg_{run_stats::put};
  std::uint32_t awaited_{0};
  std::uint32_t round_{0};  ///< jobs of this round
  instant sent_at_{};
  instant age_from_{};
  std::uint64_t age_times_{0};
  bool empty_{false};  ///< drain: a reserve found nothing
  bool ended_{false};
};

}  // namespace millrace::tools
