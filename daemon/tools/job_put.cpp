#include "tools/job_put.hpp"

#include <cassert>

#include "tools/job_mark.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::tools {

job_put::job_put(std::uint32_t run, std::uint32_t body_bytes, std::uint32_t at_priority) {
  assert(body_bytes >= job_mark::bytes);
  std::string content(body_bytes, '.');
  job_mark{run, 0}.write(content.data());
  wire::beanstalk_command put;
  put.verb = wire::beanstalk_verb::put;
  put.priority = at_priority;
  put.ttr = ttr_seconds;
  put.count = body_bytes;
  put.content = body{content};
  wire::append(bytes, put);
  constexpr std::size_t line_end_bytes = 2;
  number_at = bytes.size() - line_end_bytes - body_bytes + job_mark::bytes / 2;
}

}  // namespace millrace::tools
