#pragma once

#include <string>
#include <utility>

#include <millrace/base/result.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::offload {

/// The errors of a computation that was stopped between two steps.
[[nodiscard]] inline error cancelled_error() { return {errc::cancelled, "it was cancelled"}; }
[[nodiscard]] inline error timed_out_error() { return {errc::timed_out, "the time for it ran out"}; }

/// The answer of a computation that is done. `cancelled` and `timed_out` are the codes with which the pool says that it
/// stopped a computation. An error of the computation itself with one of these codes becomes `invalid` and keeps its
/// text, so that callers can tell the two apart.
[[nodiscard]] inline result<std::string> own_answer(computation& work) {
  result<std::string> answer = work.take_result();
  if (!answer.has_error()) return answer;
  const errc code = answer.error().code;
  if (code != errc::cancelled && code != errc::timed_out) return answer;
  return invalid(answer.error().text);
}

}  // namespace millrace::offload
