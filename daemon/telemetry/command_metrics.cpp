#include "telemetry/command_metrics.hpp"

namespace millrace::telemetry {

namespace {

template <class Use>
void for_each_verb(Use use) {
  for (std::size_t n = 0; n < wire::beanstalk_verb_count; ++n) use(n, name_of(static_cast<wire::beanstalk_verb>(n)));
}

}  // namespace

command_copy copy_commands(const std::vector<named_commands>& doors, const shown_buckets& buckets) {
  command_copy copied;
  for (const auto& [protocol, counts] : doors) {
    auto& door = copied.doors.emplace_back();
    door.protocol = protocol;
    for (std::size_t n = 0; n < wire::beanstalk_verb_count; ++n) {
      door.times[n] = counts->commands[n].value();
      door.seconds[n].add(counts->seconds[n], buckets);
    }
    for (std::size_t n = 0; n < door.read_pauses.size(); ++n) door.read_pauses[n] = counts->read_pauses[n].value();
  }
  return copied;
}

void write(exposition& page, const command_copy& commands) {
  page.family(family_kind::counter, "millrace_commands_total", "Commands of clients whose arguments could be read.");
  for (const auto& door : commands.doors)
    for_each_verb([&](std::size_t n, std::string_view verb) {
      page.sample({{"protocol", door.protocol}, {"command", verb}}, door.times[n]);
    });
  page.family(family_kind::histogram, "millrace_command_seconds",
              "From the reading of a command to the writing of its reply; of a reserve that waits, its wait included.");
  for (const auto& door : commands.doors)
    for_each_verb([&](std::size_t n, std::string_view verb) {
      page.sample({{"protocol", door.protocol}, {"command", verb}}, door.seconds[n]);
    });
  page.family(
      family_kind::counter, "millrace_read_pauses_total",
      "Times that a client was not read: its replies were unread, or it filled its share of the write backlog.");
  for (const auto& door : commands.doors)
    for (std::size_t n = 0; n < door.read_pauses.size(); ++n)
      page.sample({{"protocol", door.protocol}, {"cause", beanstalk::read_pause_names[n]}}, door.read_pauses[n]);
}

}  // namespace millrace::telemetry
