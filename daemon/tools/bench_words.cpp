#include "tools/bench_words.hpp"

#include <map>
#include <string_view>

#include <millrace/base/quantity.hpp>

#include "base/queue_name.hpp"
#include "tools/closed_cycle.hpp"
#include "tools/delivery_ledger.hpp"
#include "tools/job_mark.hpp"

namespace millrace::tools {
namespace {

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

/// Keeps the first complaint. After it, words are not read any more.
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
  void wrong(const std::string& option, const std::string& reason) {
    if (!complaint) complaint = option + ": " + reason;
  }

  std::optional<std::string> complaint;

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

void read_quantities(const bench_words& words, word_reader& read, bench_options& into) {
  constexpr double rate_max = 10'000'000;
  read.address("server", words.server, into.server);
  if (!words.against.empty()) {
    into.against.emplace();
    read.address("--against", words.against, *into.against);
  }
  read.count("--connections", words.connections, 1u, connections_max, into.connections);
  read.count("--depth", words.depth, 1u, closed_cycle::depth_max, into.depth);
  read.size("--body", words.body, std::uint32_t{job_mark::bytes}, std::uint32_t{body_bytes_max}, into.body_bytes);
  read.count("--jobs", words.jobs, std::uint64_t{1}, delivery_ledger::jobs_max, into.jobs);
  read.length("--for", words.length, into.length);
  read.length("--warm-up", words.warm_up, into.warm_up);
  read.rate("--rate", words.rate, rate_max, into.rate);
  read.count("--queues", words.queues, 1u, connections_max, into.queues);
  read.count("--idle-connections", words.idle, 0u, connections_max, into.idle_connections);
  read.count("--extra-queues", words.extra, 0u, queues_max, into.extra_queues);
  read.count("--backlog", words.backlog, std::uint64_t{0}, delivery_ledger::jobs_max, into.backlog);
  read.count("--repeat", words.repeat, 1u, repeats_max, into.repeat);
  into.queue = words.queue;
  into.plot = words.plot;
}

void read_phase(const bench_words& words, word_reader& read, bench_options& into) {
  static const std::map<std::string, bench_phase> phases{
      {"put", bench_phase::put}, {"drain", bench_phase::drain}, {"mix", bench_phase::mix}};
  if (words.phase.empty()) return;
  if (const auto found = phases.find(words.phase); found != phases.end()) {
    into.phase = found->second;
  } else {
    read.wrong("--phase", "unknown word '" + words.phase + "' (expected one of drain, mix, put)");
  }
}

void fill_in_defaults(const bench_words& words, bench_options& into) {
  if (into.phase == bench_phase::drain && into.jobs == 0) into.jobs = default_drained_jobs;
  if (words.length.empty()) into.length = into.against ? default_length_against : default_length;
  if (words.warm_up.empty() && into.jobs == 0) into.warm_up = default_warm_up;
  if (words.repeat.empty() && into.against) into.repeat = default_pairs;
}

/// Checks options against each other, after each was read by itself.
void check_together(const bench_words& words, word_reader& read, const bench_options& options) {
  if (!words.length.empty() && !words.jobs.empty()) read.wrong("--for", "either this or --jobs says when to end");
  if (options.length == duration::zero()) read.wrong("--for", "0 is too small");
  if (options.phase == bench_phase::drain && !words.length.empty())
    read.wrong("--for", "a drain ends when nothing is left; --jobs says how much there is");
  if (!options.queue.empty() && !is_queue_name(options.queue))
    read.wrong("--queue", "'" + options.queue + "' is no name of a queue (" + std::string{queue_name_rule} + ")");
  if (!options.queue.empty() && options.queues > 1) read.wrong("--queue", "one name is not enough for --queues");
  if (options.rate > 0 && options.phase != bench_phase::mix)
    read.wrong("--rate", "an open loop puts and reserves: --phase mix");
  if (options.rate > 0 && !words.depth.empty()) read.wrong("--depth", "an open loop has as many in flight as it takes");
  if (options.rate > 0 && options.connections < 2)
    read.wrong("--connections", "an open loop needs one that puts and one that reserves");
  if (options.backlog > 0 && (options.rate > 0 || options.phase != bench_phase::mix))
    read.wrong("--backlog", "needs --phase mix without --rate: others would take the backlog as jobs of theirs");
  const double jobs_at_rate = options.rate * in_seconds(saturating_add(options.warm_up, options.length));
  if (options.jobs == 0 && jobs_at_rate > static_cast<double>(delivery_ledger::jobs_max))
    read.wrong("--rate", "that many jobs are too many (at most " + write_count(delivery_ledger::jobs_max) + ")");
  const std::uint32_t working = options.rate > 0 ? options.connections / 2 : options.connections;
  if (options.queues > working)
    read.wrong("--queues", "each needs a connection of its own: at most " + std::to_string(working));
  if (std::uint64_t{options.connections} * options.depth * options.body_bytes > std::uint64_t{puts_in_flight_max_mib}
                                                                                    << 20)
    read.wrong("--body", "connections x depth x body would be more than " + std::to_string(puts_in_flight_max_mib) +
                             " MiB in flight");
  if (!options.plot.empty() && !options.plot.ends_with(".svg")) read.wrong("--plot", "the picture is an SVG: FILE.svg");
}

}  // namespace

std::optional<std::string> understand(const bench_words& words, bench_options& into) {
  word_reader read;
  read_quantities(words, read, into);
  read_phase(words, read, into);
  if (read.complaint) return read.complaint;
  fill_in_defaults(words, into);
  check_together(words, read, into);
  return read.complaint;
}

}  // namespace millrace::tools
