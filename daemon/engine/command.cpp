#include "engine/command.hpp"

namespace millrace::engine {

std::string_view name_of(job_state value) noexcept {
  switch (value) {
    case job_state::ready:
      return "ready";
    case job_state::reserved:
      return "reserved";
    case job_state::delayed:
      return "delayed";
    case job_state::buried:
      return "buried";
  }
  return "unknown";
}

std::string_view name_of(outcome value) noexcept {
  switch (value) {
    case outcome::ok:
      return "ok";
    case outcome::failed:
      return "failed";
    case outcome::timeout:
      return "timeout";
    case outcome::cancelled:
      return "cancelled";
    case outcome::dropped:
      return "dropped";
    case outcome::deleted:
      return "deleted";
    case outcome::expired:
      return "expired";
    case outcome::later:
      return "later";
    case outcome::interrupted:
      return "interrupted";
  }
  return "unknown";
}

std::string_view name_of(reason value) noexcept {
  switch (value) {
    case reason::client:
      return "client";
    case reason::failed:
      return "failed";
    case reason::timeout:
      return "timeout";
    case reason::cancelled:
      return "cancelled";
    case reason::overflow:
      return "overflow";
    case reason::output_full:
      return "output_full";
    case reason::io_error:
      return "io_error";
    case reason::draining:
      return "draining";
    case reason::too_large:
      return "too_large";
    case reason::no_space:
      return "no_space";
    case reason::no_ids:
      return "no_ids";
    case reason::rejected:
      return "rejected";
    case reason::undeliverable:
      return "undeliverable";
    case reason::expired:
      return "expired";
    case reason::limit:
      return "limit";
  }
  return "unknown";
}

std::string_view text_of_output_refusal(reason value) noexcept {
  switch (value) {
    case reason::too_large:
      return "an output is larger than its queue may hold or than a job on disk can be";
    case reason::no_space:
      return "the disk is short of space for an output";
    case reason::no_ids:
      return "no job ids are left";
    default:
      return "an output queue is full";
  }
}

}  // namespace millrace::engine
