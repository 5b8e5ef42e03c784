#include "service/endless_producer.hpp"

#include <unistd.h>

#include <millrace/loop/event_loop.hpp>
#include <millrace/sources/source.hpp>

namespace millrace::service {

std::string find_endless_producer(const settings::settings& settings) {
  loop::event_loop loop;  // Sources need a loop. This one never runs.
  for (const auto& producer : settings.producers) {
    if (producer.common.limit || producer.common.run_for) continue;
    const auto source = producer.kind->make(producer.kind_options.get(), {loop, STDIN_FILENO});
    if (source && (*source)->endless()) return producer.name;
  }
  return {};
}

}  // namespace millrace::service
