#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

/// What the daemon and a worker process say to each other over the worker's standard input and output: one JSON object
/// (RFC 8259, UTF-8) a line.
///
///     to the worker    {"id": N, "queue": TEXT, "attempt": N, "body": TEXT | "body_base64": TEXT}
///     done             {"id": N, "ok": true}, also with "result": VALUE or "result_base64": TEXT
///     failed           {"id": N, "error": TEXT}, also with "retry": true | false | TEXT, a duration like "30s"
///     progress         {"id": N, "progress": TEXT}
///
/// `id` is a string where it is above 2^53 - 1, since JavaScript does not keep larger numbers; both are read.
///
/// Processes of the daemon's own program (handlers/computing_process.hpp) get and write more than that:
///
///     to the worker    a job also has "handler": TEXT, which says what is to be done
///     to the worker    {"cancel": N}: the answer for that job is not wanted any more
///     done and failed  also with "nanoseconds": N, the time of the computation
///     failed           also with "end": "limit" | "interrupted"
namespace millrace::wire {

/// The highest id that is written as a number.
inline constexpr std::uint64_t worker_number_max = (std::uint64_t{1} << 53) - 1;

/// A job on its way to a worker.
struct worker_job {
  job_id id{};
  std::string_view queue{};
  std::uint32_t attempt{1};
  std::string_view body{};
  std::string_view handler{};  ///< as a string of JSON with its quotes, which is copied; empty: none is written
};
/// Appends the line of a job, with its newline. A body that is not UTF-8 is written as `body_base64`.
void append_worker_job(std::string& to, const worker_job& job);
void append_worker_cancellation(std::string& to, job_id job);

/// What happens to a job that failed.
enum class worker_retry : std::uint8_t {
  as_set,  ///< what `retry` of the settings says
  never,   ///< it failed for good
  later    ///< it comes again after `wait`, which is no failure
};

/// How a job failed, beyond what `worker_retry` says. Only our own program writes the last two.
enum class worker_failure : std::uint8_t { failed, over_limit, interrupted };

/// One line of a worker.
struct worker_message {
  enum class kind : std::uint8_t {
    done,
    failed,
    progress,
    malformed,  ///< the line is none of the others: `text` says why
    unparsed    ///< the line is longer than the reader should parse: `text` is the line
  };
  kind type{kind::malformed};
  job_id id{};                          ///< of `malformed`: none, unless the line has a valid one
  std::optional<std::string> result{};  ///< of `done`
  std::string text{};                   ///< of `failed`: the error; of `progress`: the text
  worker_retry retry{worker_retry::as_set};
  duration wait{0};
  worker_failure failure{worker_failure::failed};
  std::optional<duration> work{};  ///< how long the computation took, if the line says that
};
/// Of one line, without its newline.
[[nodiscard]] worker_message parse_worker_message(std::string_view line);

/// Cuts the output of a worker into lines and parses them, but for those of more than `parsed_bytes_max` bytes. It
/// keeps the beginning of a line whose end has not come, of at most `line_bytes_max` bytes.
///
/// Owned by the reader of the output; one thread at a time. It is done with the first line that is `malformed`: the
/// bytes behind it have no meaning.
class worker_frame_reader {
 public:
  /// `line_bytes_max`: of a line with its newline.
  explicit worker_frame_reader(std::size_t line_bytes_max,
                               std::size_t parsed_bytes_max = std::numeric_limits<std::size_t>::max()) noexcept
      : line_bytes_max_{line_bytes_max}, parsed_bytes_max_{parsed_bytes_max} {}

  /// The next line. Removes it from the front of `bytes`. None: `bytes` is empty, and the line goes on.
  [[nodiscard]] std::optional<worker_message> next(std::string_view& bytes);
  /// A line has begun and not ended.
  [[nodiscard]] bool within_line() const noexcept { return !begun_.empty(); }
  /// Of memory that it keeps. At most `reused_bytes_max`, unless it is within a line.
  [[nodiscard]] std::size_t capacity() const noexcept { return begun_.capacity(); }

 private:
  [[nodiscard]] worker_message too_long() const;

  std::size_t line_bytes_max_;
  std::size_t parsed_bytes_max_;
  std::string begun_;
};

}  // namespace millrace::wire
