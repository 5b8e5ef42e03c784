#include "handlers/worker_answer.hpp"

#include <utility>

namespace millrace::handlers {

answer answer_of(offload::worker_answer&& said) {
  using kind = offload::worker_answer::kind;
  switch (said.type) {
    case kind::done:
      break;
    case kind::failed:
      return error{errc::io, std::move(said.text)};
    case kind::rejected:
      return rejected(std::move(said.text));
    case kind::over_limit:
      return answer::over_limit(std::move(said.text));
    case kind::later:
      return answer::later(said.wait);
    case kind::interrupted:
      return answer::interrupted(std::move(said.text));
  }
  return std::move(said.result);
}

}  // namespace millrace::handlers
