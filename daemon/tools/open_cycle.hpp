#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "tools/delivery_ledger.hpp"
#include "tools/job_put.hpp"
#include "tools/run_stats.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

namespace millrace::tools {

/// The state that the connections of an open loop share. Jobs are put at instants that are fixed beforehand, whatever
/// the server answers.
struct open_run {
  std::uint32_t run{0};  ///< marks the jobs
  std::uint32_t body_bytes{0};
  double rate{1};  ///< jobs a second
  instant begin{};
  std::uint64_t jobs{0};  ///< of the whole run
  delivery_ledger ledger;
  run_stats counts;

  /// The instant at which job `number` is due. Latency counts from it, also when the job is sent later.
  [[nodiscard]] instant due(std::uint64_t number) const noexcept {
    return begin + duration{static_cast<duration::rep>(static_cast<double>(number) / rate * 1e9)};
  }
};

/// One connection that puts jobs, without its socket. Owned by the load; one thread.
class open_producer {
 public:
  explicit open_producer(open_run& run);

  /// Appends the put of job `number` to `unsent`.
  void put(std::uint64_t number);
  /// The bytes to send. The sender removes them.
  [[nodiscard]] std::string& unsent() noexcept { return unsent_; }
  /// Takes bytes that were received at `now`. An error ends the run.
  result<> take(std::string_view bytes, instant now);

 private:
  open_run& run_;
  job_put put_;
  wire::beanstalk_reply_reader reader_;
  std::string unsent_;
  std::deque<std::uint64_t> awaited_;  ///< numbers of the jobs whose puts are not answered yet
};

/// One connection that reserves jobs and deletes them, without its socket. Owned by the load; one thread.
class open_consumer {
 public:
  explicit open_consumer(open_run& run);

  /// The bytes to send now. Each piece is returned once; empty while a job is awaited.
  [[nodiscard]] std::string_view next_piece() noexcept { return std::exchange(piece_, {}); }
  /// Takes bytes that were received at `now`. An error ends the run.
  result<> take(std::string_view bytes, instant now);

 private:
  result<> take_job(const wire::beanstalk_reply& reply, instant now);

  open_run& run_;
  wire::beanstalk_reply_reader reader_;
  wire::beanstalk_command delete_;
  std::string reserve_;
  std::string delete_and_reserve_;
  std::string_view piece_;
  bool deleting_{false};
  instant due_{};  ///< of the job that is being deleted
  instant deleted_at_{};
};

}  // namespace millrace::tools
