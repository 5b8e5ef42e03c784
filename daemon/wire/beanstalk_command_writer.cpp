#include <cassert>
#include <limits>

#include "wire/beanstalk_command.hpp"
#include "wire/line_writer.hpp"

namespace millrace::wire {

static_assert(line_writer::bytes_max >= command_line_bytes_max);

void append(std::string& to, const beanstalk_command& what) {
  line_writer line{name_of(what.verb)};
  switch (what.verb) {
    case beanstalk_verb::put:
      line.argument(what.priority).argument(what.delay).argument(what.ttr).argument(what.content.size()).append_to(to);
      to.append(what.content.view()).append(line_end);
      return;
    case beanstalk_verb::use:
    case beanstalk_verb::watch:
    case beanstalk_verb::ignore:
    case beanstalk_verb::stats_tube:
      assert(is_tube_name(what.tube));
      line.argument(what.tube);
      break;
    case beanstalk_verb::reserve_with_timeout:
      assert(what.count <= timeout_seconds_max);
      line.argument(what.count);
      break;
    case beanstalk_verb::kick:
      line.argument(what.count);
      break;
    case beanstalk_verb::reserve_job:
    case beanstalk_verb::delete_job:
    case beanstalk_verb::touch:
    case beanstalk_verb::peek:
    case beanstalk_verb::kick_job:
    case beanstalk_verb::stats_job:
      line.argument(what.job);
      break;
    case beanstalk_verb::release:
      line.argument(what.job).argument(what.priority).argument(what.delay);
      break;
    case beanstalk_verb::bury:
      line.argument(what.job).argument(what.priority);
      break;
    case beanstalk_verb::pause_tube:
      assert(is_tube_name(what.tube));
      line.argument(what.tube).argument(what.delay);
      break;
    case beanstalk_verb::reserve:
    case beanstalk_verb::peek_ready:
    case beanstalk_verb::peek_delayed:
    case beanstalk_verb::peek_buried:
    case beanstalk_verb::stats:
    case beanstalk_verb::list_tubes:
    case beanstalk_verb::list_tube_used:
    case beanstalk_verb::list_tubes_watched:
    case beanstalk_verb::quit:
      break;
  }
  line.append_to(to);
}

}  // namespace millrace::wire
