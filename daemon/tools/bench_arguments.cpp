#include "tools/bench_arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>

#include <millrace/base/quantity.hpp>

#include "tools/closed_cycle.hpp"
#include "tools/exactly_once.hpp"
#include "tools/job_mark.hpp"
#include "wire/beanstalk_command.hpp"

namespace millrace::tools {
namespace {

constexpr const char* about =
    "millrace bench: a load for any server of the beanstalk protocol, and what it answered how fast.\n\n"
    "Each connection keeps DEPTH commands in flight: it sends that many puts in one piece, then reserves, then "
    "deletes.\n"
    "With --rate jobs are put at fixed instants instead, whatever the answers, and latency counts from those "
    "instants.\n"
    "Every job must come out exactly once. Queues are the run's own and are left empty.";

constexpr const char* footer =
    "Quantities: 100k jobs, 64KiB bodies, 500ms, 20k/s.\n"
    "--json prints one object: server, options, runs[], total; each run and the total with jobs_per_second, "
    "commands_per_second, seconds,\n"
    "commands, jobs, and latency_us {put, reserve, delete, job, lag} of {count, mean, p50, p90, p99, p99_9, max}; with "
    "--against also\n"
    "the same of the other server under against, and ratio {jobs_per_second, p99} of {median, least, most}.\n"
    "Exit codes: 0 done, 1 failed while running or a job was lost or came twice, 2 bad arguments, 3 no server of the "
    "protocol there.";

constexpr std::uint32_t connections_max = 100'000;
constexpr std::uint32_t queues_max = 10'000'000;
constexpr std::uint32_t repeats_max = 1'000;
constexpr std::uint64_t body_bytes_max = 1u << 30;
constexpr duration default_length = seconds{3};
constexpr duration default_length_against = seconds{1};
constexpr duration default_warm_up = milliseconds{300};
constexpr std::uint64_t default_drained_jobs = 500'000;
constexpr std::uint32_t default_pairs = 5;
constexpr std::uint32_t puts_in_flight_max_mib = 1'024;

struct given_words {
  std::string server, against, phase, connections, depth, body, jobs, length, warm_up, rate, queues, queue, idle, extra,
      backlog, repeat, plot;
};

farewell refusal(const std::string& wrong) {
  return {exit_code::bad_arguments, "millrace bench: " + wrong + "\nmillrace bench --help shows what can be given.\n"};
}

void declare(CLI::App& app, given_words& words, bench_options& into) {
  app.set_help_flag("-h,--help", "show this and exit");
  app.footer(footer);
  const auto option = [&app](const char* name, std::string& word, const char* type, const std::string& text) {
    app.add_option(name, word, text)->type_name(type);
  };
  option("server", words.server, "HOST:PORT", "or unix:PATH; 127.0.0.1:11300 unless given");
  option("--against", words.against, "HOST:PORT",
         "a second server: runs alternate between the two, and the ratio is said");
  option("--phase", words.phase, "PHASE", "mix (put, reserve, delete; default), put, or drain (what was put before)");
  option("--connections", words.connections, "N", "that work (16); with --rate half of them put, the others reserve");
  option("--depth", words.depth, "N", "commands in flight on each (8)");
  option("--body", words.body, "SIZE", "of a job (64)");
  option("--for", words.length, "DURATION", "how long is measured (3s; 1s with --against)");
  option("--jobs", words.jobs, "N", "end after so many jobs instead (drain: 500k)");
  option("--warm-up", words.warm_up, "DURATION", "before it is measured (300ms; 0 with --jobs)");
  option("--rate", words.rate, "JOBS/S", "open loop: put at this constant rate");
  option("--queues", words.queues, "N", "spread over so many queues (1)");
  option("--queue", words.queue, "NAME", "work in this queue, which must be empty, instead of one of the run's own");
  option("--idle-connections", words.idle, "N", "further connections that are open and silent");
  option("--extra-queues", words.extra, "N", "further queues with one job each that nobody uses");
  option("--backlog", words.backlog, "N", "ready jobs of a worse priority that stay in the queues used");
  option("--repeat", words.repeat, "K", "runs, or pairs of runs with --against (1; 5 pairs); the median is said");
  option("--plot", words.plot, "FILE.svg", "draw how latency is distributed");
  app.add_flag("--json", into.json, "print one JSON object instead of a table");
  app.add_flag("--quiet", into.quiet, "no progress on standard error");
  app.allow_extras();
}

/// Whoever mistypes an option mostly has its beginning right.
std::string nearest(const std::string& unknown, const std::vector<std::string>& known) {
  constexpr std::size_t alike_least = 4;  // the two dashes among them
  std::string best;
  std::size_t most = alike_least - 1;
  for (const auto& option : known) {
    const auto apart = std::ranges::mismatch(option, unknown).in1;
    const auto alike = static_cast<std::size_t>(apart - option.begin());
    if (alike <= most) continue;
    most = alike;
    best = option;
  }
  return best;
}

farewell refuse_extra(const std::string& word, const CLI::App& app) {
  if (word.empty() || word[0] != '-')
    return refusal("'" + word + "' is not understood (a second server is given with --against)");
  std::vector<std::string> known;
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  const std::string meant = nearest(word.substr(0, word.find('=')), known);
  return refusal("unknown option " + word + (meant.empty() ? "" : ", did you mean " + meant + "?"));
}

/// Collects the first complaint; later words are then not looked at.
class word_reader {
 public:
  template <class Number>
  void count(const char* option, const std::string& word, Number least, Number most, Number& into) {
    number(option, word, parse_count, least, most, into, write_count);
  }
  template <class Number>
  void size(const char* option, const std::string& word, Number least, Number most, Number& into) {
    number(option, word, parse_size, least, most, into, write_size);
  }
  void length(const char* option, const std::string& word, duration& into) {
    if (skip(word)) return;
    if (const auto read = parse_duration(word)) {
      into = *read;
    } else {
      wrong(option, read.error().text);
    }
  }
  void address(const char* option, const std::string& word, network::address& into) {
    if (skip(word)) return;
    const auto read = network::parse_address(word);
    if (!read) return wrong(option, read.error().text);
    if (read->unix_path.empty() && read->port == 0) return wrong(option, "port 0 is nobody's");
    into = *read;
  }
  void rate(const char* option, const std::string& word, double most, double& into) {
    if (skip(word)) return;
    const auto read = parse_rate(word);
    if (!read) return wrong(option, read.error().text);
    if (*read > most) return wrong(option, word + " is too large (at most " + write_rate(most) + ")");
    into = *read;
  }
  void wrong(const std::string& option, const std::string& why) {
    if (!complaint) complaint = refusal(option + ": " + why);
  }

  std::optional<farewell> complaint;

 private:
  bool skip(const std::string& word) const { return complaint || word.empty(); }

  template <class Number>
  void number(const char* option, const std::string& word, result<std::uint64_t> (*parse)(std::string_view),
              Number least, Number most, Number& into, std::string (*write)(std::uint64_t)) {
    if (skip(word)) return;
    const auto read = parse(word);
    if (!read) return wrong(option, read.error().text);
    if (*read < least) return wrong(option, word + " is too small (at least " + write(least) + ")");
    if (*read > most) return wrong(option, word + " is too large (at most " + write(most) + ")");
    into = static_cast<Number>(*read);
  }
};

void read_quantities(const given_words& words, word_reader& read, bench_options& into) {
  constexpr double rate_max = 10'000'000;
  read.address("server", words.server, into.server);
  if (!words.against.empty()) {
    into.against.emplace();
    read.address("--against", words.against, *into.against);
  }
  read.count("--connections", words.connections, 1u, connections_max, into.connections);
  read.count("--depth", words.depth, 1u, closed_cycle::depth_max, into.depth);
  read.size("--body", words.body, std::uint32_t{job_mark::bytes}, std::uint32_t{body_bytes_max}, into.body_bytes);
  read.count("--jobs", words.jobs, std::uint64_t{1}, exactly_once::jobs_max, into.jobs);
  read.length("--for", words.length, into.length);
  read.length("--warm-up", words.warm_up, into.warm_up);
  read.rate("--rate", words.rate, rate_max, into.rate);
  read.count("--queues", words.queues, 1u, connections_max, into.queues);
  read.count("--idle-connections", words.idle, 0u, connections_max, into.idle_connections);
  read.count("--extra-queues", words.extra, 0u, queues_max, into.extra_queues);
  read.count("--backlog", words.backlog, std::uint64_t{0}, exactly_once::jobs_max, into.backlog);
  read.count("--repeat", words.repeat, 1u, repeats_max, into.repeat);
  into.queue = words.queue;
  into.plot = words.plot;
}

void read_phase(const given_words& words, word_reader& read, bench_options& into) {
  static const std::map<std::string, bench_phase> phases{
      {"put", bench_phase::put}, {"drain", bench_phase::drain}, {"mix", bench_phase::mix}};
  if (words.phase.empty()) return;
  if (const auto found = phases.find(words.phase); found != phases.end()) {
    into.phase = found->second;
  } else {
    read.wrong("--phase", "unknown word '" + words.phase + "' (expected one of drain, mix, put)");
  }
}

void fill_in_defaults(const given_words& words, bench_options& into) {
  if (into.phase == bench_phase::drain && into.jobs == 0) into.jobs = default_drained_jobs;
  if (words.length.empty()) into.length = into.against ? default_length_against : default_length;
  if (words.warm_up.empty() && into.jobs == 0) into.warm_up = default_warm_up;
  if (words.repeat.empty() && into.against) into.repeat = default_pairs;
}

/// What does not go together, after each word was understood by itself.
void check_together(const given_words& words, word_reader& read, const bench_options& what) {
  if (!words.length.empty() && !words.jobs.empty()) read.wrong("--for", "either this or --jobs says when to end");
  if (what.length == duration::zero()) read.wrong("--for", "0 is too small");
  if (what.phase == bench_phase::drain && !words.length.empty())
    read.wrong("--for", "a drain ends when nothing is left; --jobs says how much there is");
  if (!what.queue.empty() && !wire::is_tube_name(what.queue))
    read.wrong("--queue",
               "'" + what.queue + "' is no name of a queue (1 to 200 of A-Z a-z 0-9 - + / ; . $ _ ( ), not - first)");
  if (!what.queue.empty() && what.queues > 1) read.wrong("--queue", "one name is not enough for --queues");
  if (what.rate > 0 && what.phase != bench_phase::mix)
    read.wrong("--rate", "an open loop puts and reserves: --phase mix");
  if (what.rate > 0 && !words.depth.empty()) read.wrong("--depth", "an open loop has as many in flight as it takes");
  if (what.rate > 0 && what.connections < 2)
    read.wrong("--connections", "an open loop needs one that puts and one that reserves");
  if (what.backlog > 0 && (what.rate > 0 || what.phase != bench_phase::mix))
    read.wrong("--backlog", "stays only where nobody waits for further jobs: --phase mix, no --rate");
  const double jobs_at_rate = what.rate * in_seconds(what.warm_up + what.length);
  if (what.jobs == 0 && jobs_at_rate > static_cast<double>(exactly_once::jobs_max))
    read.wrong("--rate", "that many jobs are too many (at most " + write_count(exactly_once::jobs_max) + ")");
  const std::uint32_t working = what.rate > 0 ? what.connections / 2 : what.connections;
  if (what.queues > working)
    read.wrong("--queues", "each needs a connection of its own: at most " + std::to_string(working));
  if (std::uint64_t{what.connections} * what.depth * what.body_bytes > std::uint64_t{puts_in_flight_max_mib} << 20)
    read.wrong("--body", "connections x depth x body would be more than " + std::to_string(puts_in_flight_max_mib) +
                             " MiB in flight");
  if (!what.plot.empty() && !what.plot.ends_with(".svg")) read.wrong("--plot", "the picture is an SVG: FILE.svg");
}

}  // namespace

std::variant<bench_options, farewell> read_bench_arguments(const std::vector<std::string>& words) {
  CLI::App app{about, "millrace bench"};
  bench_options options;
  given_words given;
  declare(app, given, options);
  try {
    app.parse(std::vector<std::string>{words.rbegin(), words.rend()});
  } catch (const CLI::CallForHelp&) {
    return farewell{exit_code::done, app.help()};
  } catch (const CLI::ParseError& wrong) {
    return refusal(wrong.what());
  }
  if (const auto extra = app.remaining(); !extra.empty()) return refuse_extra(extra.front(), app);
  word_reader read;
  read_quantities(given, read, options);
  read_phase(given, read, options);
  if (read.complaint) return *read.complaint;
  fill_in_defaults(given, options);
  check_together(given, read, options);
  if (read.complaint) return *read.complaint;
  return options;
}

}  // namespace millrace::tools
