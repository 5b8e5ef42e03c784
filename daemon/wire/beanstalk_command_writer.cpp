#include <cassert>

#include "base/queue_name.hpp"
#include "wire/beanstalk_arguments.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/line_writer.hpp"

namespace millrace::wire {

static_assert(line_writer::bytes_max >= command_line_bytes_max);

namespace {

class argument_writer {
 public:
  argument_writer(line_writer& line, std::size_t body_bytes) noexcept : line_{line}, body_bytes_{body_bytes} {}

  bool job(std::uint64_t id) noexcept { return number(id); }
  bool priority(std::uint32_t value) noexcept { return number(value); }
  bool delay(std::uint32_t seconds) noexcept { return number(seconds); }
  bool ttr(std::uint32_t seconds) noexcept { return number(seconds); }
  bool timeout(std::uint32_t seconds) noexcept {
    assert(seconds <= timeout_seconds_max);
    return number(seconds);
  }
  bool bound(std::uint32_t count) noexcept { return number(count); }
  bool body_bytes(std::uint32_t) noexcept { return number(body_bytes_); }
  bool tube(std::string_view name) noexcept {
    assert(is_queue_name(name));
    line_.argument(name);
    return true;
  }
  bool last_tube(std::string_view name) noexcept { return tube(name); }

 private:
  bool number(std::uint64_t value) noexcept {
    line_.argument(value);
    return true;
  }

  line_writer& line_;
  std::size_t body_bytes_;
};

}  // namespace

void append(std::string& to, const beanstalk_command& command) {
  const auto& row = row_of(command.verb);
  line_writer line{row.word};
  argument_writer arguments{line, command.content.size()};
  visit_arguments(row.arguments, command, arguments);
  line.append_to(to);
  if (row.arguments == argument_shape::put) to.append(command.content.view()).append(line_end);
}

}  // namespace millrace::wire
