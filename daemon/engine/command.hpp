#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "engine/retry_options.hpp"

/// The requests to the engine and its answers, as plain values.
namespace millrace::engine {

/// The end of the pause of a queue that is not paused. It is no instant of the clock, because a pause may end at any of
/// those.
inline constexpr instant no_pause = instant::min();

/// 0 is most urgent.
using priority = std::uint32_t;
inline constexpr priority default_priority = 1024;

enum class job_state : std::uint8_t { ready, reserved, delayed, buried };
[[nodiscard]] std::string_view name_of(job_state value) noexcept;

/// The shortest time to run; shorter ones are raised to it (PROTOCOL.md §2).
inline constexpr duration ttr_min = std::chrono::seconds{1};
inline constexpr duration default_ttr = std::chrono::seconds{60};

/// A group of jobs (engine/group_facts.hpp). Numbers rise from 1.
using group_id = id<struct group_tag>;

/// Why a job was buried, dead-lettered or rejected: a closed list, a label of metrics. Those that
/// `text_of_output_refusal` knows also say why the output of a job was refused, which buries or dead-letters that job.
enum class reason : std::uint8_t {
  client,
  failed,
  timeout,
  cancelled,
  overflow,     ///< a put: the queue is full
  output_full,  ///< the output queue is full
  io_error,
  draining,
  too_large,      ///< the body can never fit into the queue, or is larger than a job on disk can be
  no_space,       ///< the disk is short of space
  no_ids,         ///< the highest job id was given out
  rejected,       ///< its handler said that another attempt is useless
  undeliverable,  ///< it was handed out `deliveries_max` times and never answered
  expired,        ///< nobody took it in time
  limit,          ///< it used more memory, processor time or output than its handler allows; the last one
};
inline constexpr std::size_t reason_count = static_cast<std::size_t>(reason::limit) + 1;
[[nodiscard]] std::string_view name_of(reason value) noexcept;
/// Why the output of a job was refused, as a sentence for people: `an output queue is full`.
[[nodiscard]] std::string_view text_of_output_refusal(reason value) noexcept;

/// Counts of the events of one job.
struct job_tally {
  std::uint32_t reserves{0}, timeouts{0}, releases{0}, buries{0}, kicks{0};
  /// Attempts that failed or took longer than their consumer's `timeout`.
  std::uint32_t failures{0};
  /// Handed out and never answered: the lease ended, the connection was lost, the worker or the daemon died.
  std::uint32_t interruptions{0};
  /// Its handler wanted it again later.
  std::uint32_t laters{0};

  friend bool operator==(const job_tally&, const job_tally&) = default;
};

/// What only some jobs have, beside their counts and their last error.
struct job_details {
  std::optional<reason> cause{};                      ///< why it was buried or dead-lettered
  std::string origin{};                               ///< of a dead letter: the name of the queue that it came from
  instant first_failure{never}, last_failure{never};  ///< `never`: it never failed
  instant expires_at{never};                          ///< while it is ready or delayed; `never`: it does not expire
  group_id group{};
  std::uint32_t group_place{0};  ///< of the member in its group, in the order of puts, from 0

  friend bool operator==(const job_details&, const job_details&) = default;
};

/// The shortest time to expiry; shorter ones are raised to it.
inline constexpr duration expire_after_min{1};

struct put_request {
  body content;
  engine::priority priority{default_priority};
  duration delay{0};
  duration ttr{default_ttr};
  std::optional<duration> expire_after{};      ///< from the put; none: what the queue says
  group_id group{};                            ///< it joins this group, in the same change; none: no group
  std::optional<std::uint32_t> group_place{};  ///< the place that the group keeps for it; none: the next one
};

enum class put_status {
  inserted,  ///< `job` is its id
  waiting,   ///< the queue is full and blocks: the session waits; a `put_admitted` event follows
  refused,   ///< nothing was put; `refusal` says why
  draining,  ///< puts are refused everywhere
  no_space,  ///< the disk is short of space: nothing was done, and the job is untouched (said by the broker)
};
struct put_answer {
  put_status status{put_status::refused};
  job_id job{};
  reason refusal{reason::overflow};  ///< when `refused`, `draining` or `no_space`
};

/// How long a reservation lasts.
enum class lease {
  ttr,       ///< the job's own time to run, from the reservation or the last touch
  unlimited  ///< until its holder finishes, releases or goes: for consumers, whose `timeout` limits it
};

/// Who works on the jobs of a session.
enum class session_kind {
  plain,           ///< the program itself, or a client
  other_processes  ///< processes of the program: where a queue does not set `deliveries_max`, the store still learns of
                   ///< hand-outs, so that a death of the program counts as an interruption
};

/// What it means for the jobs that a session holds when it ends.
enum class session_end {
  returned,  ///< its holder gives them back, as a consumer does in a drain
  lost       ///< its holder never answered: each of them was interrupted
};

/// A job as its holder sees it. `content` shares the bytes.
struct reserved_job {
  job_id job{};
  queue_id queue{};
  body content;
  std::uint32_t reserves{0};  ///< times it was reserved, this one included: the attempt number of a consumer
  engine::priority priority{default_priority};
  instant put_at{};
  instant ready_since{};
  bool in_group{false};  ///< its result is wanted: `finish_request::result_text`
};

/// `waiting`: for a job, or for the body of one on its way from disk; a `granted` event (or another decision) follows.
enum class reserve_status { reserved, waiting, deadline_soon, timed_out, not_found };
struct reserve_answer {
  reserve_status status{reserve_status::timed_out};
  reserved_job job{};  ///< when `reserved`
};

/// A job that is ready, and since when.
struct ready_job {
  job_id job{};
  instant since{};
};

/// The outcome of a finished job; also the label of the metric.
enum class outcome : std::uint8_t {
  ok,
  failed,
  timeout,
  cancelled,  ///< by a person or a group; or its attempt, by a drain
  dropped,
  deleted,
  expired,
  later,        ///< only of a request: the handler wants the job again after a time, which is no failure
  interrupted,  ///< only of a request: what worked on the job ended without an answer
};
inline constexpr std::size_t outcome_count = 9;
[[nodiscard]] std::string_view name_of(outcome value) noexcept;

/// One job that is put when another is finished, in the same change.
struct output {
  queue_id queue{};
  put_request job;
};

/// Ends an attempt of a job: all of it is one change.
/// - `ok`: the job is deleted and its outputs are put.
/// - `later`: the job waits as delayed for `later_after`, which is no failure. More often than `laters_max`, or beyond
///   `within` of its retries: it failed.
/// - `interrupted`: the job was handed out and not answered, which is no failure. It is ready again, or undeliverable
///   with as many interruptions as `deliveries_max` of its queue says, or that of the request where the queue says
///   nothing.
/// - `failed`, `timeout`: the job failed once more. It waits as delayed for its next attempt, unless `is_final`, or it
///   has failed as often as its retries allow. Then it moves to the dead letter queue if there is one, or is buried.
/// - `cancelled`: as after the last failure, but it does not count as one.
///
/// The error is kept with the job. Outputs are those of an `ok` request only.
///
/// A full output queue that blocks: nothing happens yet, the answer is `waiting`, and a `finish_done` event follows. A
/// full output queue that rejects (or drops and has nothing to drop): the job fails with reason `output_full`. An
/// output queue that is gone, or goes while the finish waits for another, counts as full. (Declared queues never go.)
/// Outputs that can never fit into their queue: the job fails with reason `too_large`. No ids are left for them
/// (`job_id_max`): with `no_ids`. An output into the job's own queue uses the capacity that the job leaves, also when
/// others wait for it.
///
/// A dead letter keeps its id, priority, ttr, counts and time of put, and is ready. A dead letter queue that is gone,
/// full (also one that blocks), or the job's own: the job is buried instead. So is a job that is a dead letter already.
/// A job that its holder loses while its finish waits (its lease ends, or the holder does something else with it):
/// nothing is finished, and the event says `not_found`.
struct finish_request {
  job_id job{};
  engine::outcome result{outcome::ok};
  std::string error_text{};  ///< at most `error_text_bytes_max` are kept
  std::vector<output> outputs{};
  std::optional<queue_id> dead_letter{};   ///< none: that of the job's queue
  std::optional<reason> output_refusal{};  ///< of an `ok` request: its outputs cannot be put, and it fails with this
  bool is_final{false};                    ///< of a failed attempt: no retry; the reason is `rejected`
  bool over_limit{false};                  ///< of a failed attempt that is not final: the reason is `limit`
  duration later_after{0};                 ///< of `later`: at most `later_after_max`
  std::uint32_t deliveries_max{0};         ///< of `interrupted`: where the job's queue says nothing; 0: no limit
  std::optional<retry_options> retry{};    ///< of the consumer; none: that of the job's queue
  std::string result_text{};               ///< of an `ok` job in a group, for the outcome of the group
};
inline constexpr std::size_t error_text_bytes_max = 1'024;
inline constexpr duration later_after_max = std::chrono::hours{24 * 3'650};
inline constexpr std::uint32_t laters_max = 1'000;  ///< of one job; one more is a failure

enum class finish_status {
  done,    ///< deleted, outputs are in
  buried,  ///< failed or expired, kept in its queue
  dead_lettered,
  retried,      ///< failed, and waits as delayed for its next attempt
  postponed,    ///< `later`: waits as delayed
  interrupted,  ///< ready again
  expired,      ///< its next attempt would come too late, and it has no dead letter queue: it is gone
  waiting,      ///< for capacity in an output queue
  not_found,    ///< the session does not hold this job (any more)
  no_space,     ///< the disk is short of space for the outputs: nothing was done (said by the broker)
};
/// `outcome` is the one under which the attempt is counted. It is that of the request, with these exceptions: `failed`
/// where outputs were refused, or the job may not be postponed again or is undeliverable; `expired` where another
/// attempt would come too late; `deleted` where the session does not hold the job. It has no meaning for `waiting` and
/// `no_space`.
struct finish_answer {
  finish_status status{finish_status::done};
  engine::outcome outcome{engine::outcome::ok};
  reason refusal{reason::output_full};  ///< of the outputs, when an `ok` request is counted as `failed`
  duration retry_in{0};                 ///< of `retried`: the wait before the next attempt

  friend bool operator==(const finish_answer& answer, finish_status status) noexcept { return answer.status == status; }
};

/// A decision of the engine for a session that waited. Collected during a command and taken by the caller after it.
struct event {
  enum class kind : std::uint8_t {
    granted,
    deadline_soon,
    timed_out,
    not_found,  ///< the job reserved by its id, or looked at, has no body any more that could be read
    shown,      ///< the body of a job that is only looked at, from disk (said by the broker): `job` has its id and body
    put_admitted,
    finish_done,
    cancelled  ///< the session held `id` without a deadline, and does not hold it any more
  } type;
  session_id session{};
  reserved_job job{};      ///< granted
  job_id id{};             ///< put_admitted: the new job; finish_done, cancelled: the job
  finish_answer finish{};  ///< finish_done
};

/// All that statistics show of a job, its counts included.
struct job_facts : job_tally {
  job_id job{};
  queue_id queue{};
  job_state state{job_state::ready};
  body content;                 ///< empty while it is on disk only
  std::uint32_t bytes{0};       ///< of its body, wherever that is
  bool content_on_disk{false};  ///< its body is on disk only
  engine::priority priority{0};
  instant put_at{};
  instant entered_state_at{};
  duration delay{0};
  duration ttr{0};
  instant due{never};   ///< end of its lease or delay
  session_id holder{};  ///< when reserved
  std::string error_text;
  job_details details{};
};

}  // namespace millrace::engine
