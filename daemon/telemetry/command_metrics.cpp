#include "telemetry/command_metrics.hpp"

namespace millrace::telemetry {

namespace {

template <class Visit>
void for_each_verb(Visit visit) {
  for (std::size_t n = 0; n < wire::beanstalk_verb_count; ++n) visit(n, name_of(static_cast<wire::beanstalk_verb>(n)));
}

}  // namespace

command_copy copy_commands(const std::vector<named_commands>& protocols, const shown_buckets& buckets) {
  command_copy copied;
  for (const auto& [name, counts] : protocols) {
    auto& protocol = copied.protocols.emplace_back();
    protocol.protocol = name;
    for (std::size_t n = 0; n < wire::beanstalk_verb_count; ++n) {
      protocol.times[n] = counts->commands[n].value();
      protocol.seconds[n].add(counts->seconds[n], buckets);
    }
    for (std::size_t n = 0; n < protocol.read_pauses.size(); ++n)
      protocol.read_pauses[n] = counts->read_pauses[n].value();
  }
  return copied;
}

void write(exposition& page, const command_copy& commands) {
  page.family(family_kind::counter, "millrace_commands_total", "Commands of clients whose arguments could be read.");
  for (const auto& protocol : commands.protocols)
    for_each_verb([&](std::size_t n, std::string_view verb) {
      page.sample({{"protocol", protocol.protocol}, {"command", verb}}, protocol.times[n]);
    });
  page.family(family_kind::histogram, "millrace_command_seconds",
              "From the reading of a command to the writing of its reply; of a reserve that waits, its wait included.");
  for (const auto& protocol : commands.protocols)
    for_each_verb([&](std::size_t n, std::string_view verb) {
      // Most clients use a few commands. The histogram of one that nobody used says nothing.
      if (protocol.seconds[n].count > 0)
        page.sample({{"protocol", protocol.protocol}, {"command", verb}}, protocol.seconds[n]);
    });
  page.family(
      family_kind::counter, "millrace_read_pauses_total",
      "Times that a client was not read: its replies were unread, or it filled its share of the write backlog.");
  for (const auto& protocol : commands.protocols)
    for (std::size_t n = 0; n < protocol.read_pauses.size(); ++n)
      page.sample({{"protocol", protocol.protocol}, {"cause", beanstalk::read_pause_names[n]}},
                  protocol.read_pauses[n]);
}

}  // namespace millrace::telemetry
