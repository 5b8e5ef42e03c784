#include "workload/options.hpp"

namespace millrace::workload {

namespace {

// Longer than any workload; keeps sums of instants and lengths far from overflow.
constexpr duration length_max = hours{24 * 3'650};

result<> check_queue_name(std::string_view text) {
  if (text.empty()) return invalid("the name is empty");
  return {};
}

}  // namespace

const options_of<producer_group_options>& producer_group_option_table() {
  using options = producer_group_options;
  using engine::group_end;
  using engine::remaining_members;
  static const auto table =
      options_of<options>{}
          .text("name", &options::name, "In the outcome; left out: the name of the producer.", check_queue_name,
                "a name")
          .example("import")
          .text("then", &options::then, "The queue that the job with the outcomes is put into.", check_queue_name,
                "the name of a queue")
          .required()
          .example("verdicts")
          .choice("when", &options::when,
                  {{"all", group_end::all}, {"first", group_end::first}, {"first_failure", group_end::first_failure}},
                  "It ends when all of its jobs have ended, with the first that is done, or with the first that fails.")
          .choice("remaining", &options::remaining,
                  {{"keep", remaining_members::keep}, {"cancel", remaining_members::cancel}},
                  "What happens then to jobs that have not ended.");
  return table;
}

const options_of<producer_options>& producer_option_table() {
  using options = producer_options;
  static const auto table =
      options_of<options>{}
          .text("queue", &options::queue, "The queue it puts into.", check_queue_name, "the name of a queue")
          .required()
          .example("numbers")
          .rate("rate", &options::rate, {}, "Bodies a second; left out: as fast as the queue takes them.")
          .example("200")
          .choice("arrivals", &options::pattern, {{"constant", arrivals::constant}, {"poisson", arrivals::poisson}},
                  "With a rate: evenly spaced, or at random moments with that mean.")
          .count("arrivals_seed", &options::seed, {}, "Seed of poisson arrivals: the same seed, the same moments.")
          .count("limit", &options::limit, {.least = 1},
                 "Bodies in all, those before a restart included where it resumes; left out: until the source ends.")
          .example("10k")
          .choice("start", &options::begin, {{"resume", start::resume}, {"again", start::again}},
                  "After a restart: behind the last body that it put, or at the beginning; left out: resume, if its "
                  "queue is "
                  "on disk and its source has a position.")
          .example("again")
          .duration("for", &options::run_for, {.least = milliseconds{1}, .most = length_max},
                    "How long it produces, from the start; left out: until the source ends.")
          .example("10m")
          .count("priority", &options::priority, {}, "Of its jobs; 0 is most urgent.")
          .parsed("order_by", &options::order_by,
                  "In place of priority: of its jobs that are ready, the one with the smallest value goes first.",
                  job_order::parse, job_order::write, std::string{job_order::expected})
          .example("\"-${json:/length}\"")
          .duration("delay", &options::delay, {.most = length_max}, "Before a job becomes ready.")
          .duration("ttr", &options::ttr, {.least = engine::ttr_min, .most = length_max},
                    "Time to run: how long a client that reserves a job on a connection may keep it.")
          .count("in_flight", &options::in_flight, {.least = 1, .most = 1'000'000},
                 "Puts that may wait for their commit at one time.")
          .duration("expire_after", &options::expire_after, {.least = milliseconds{1}, .most = length_max},
                    "A job that nobody took for this time after its put ends; left out: as its queue says.")
          .example("1h")
          .section("group", &options::group, producer_group_option_table(),
                   "The jobs of one run are a group; when it ends, a job with all their outcomes is put.")
          .text_list("after", &options::after,
                     "The producer, or a list of them, whose jobs must have ended before it begins.", check_queue_name,
                     "the name of a producer, or a list of names")
          .example("numbers");
  return table;
}

const options_of<consumer_options>& consumer_option_table() {
  using options = consumer_options;
  static const auto table =
      options_of<options>{}
          .text_list("queue", &options::queue,
                     "The queue it takes from, or a list: then by priority and id over all of them, not by their "
                     "order.",
                     check_queue_name, "the name of a queue, or a list of names")
          .required()
          .example("numbers")
          .choice("run_on", &options::run_on,
                  {{"loop", offload::execution_site::loop},
                   {"threads", offload::execution_site::threads},
                   {"processes", offload::execution_site::processes},
                   {"auto", offload::execution_site::automatic}},
                  "Where a computation runs: in slices between everything else, on threads, in processes; auto: short "
                  "ones on the loop, long ones on threads.")
          .count("concurrency", &options::concurrency, {.least = 1, .most = 10'000}, "Jobs it works on at one time.")
          .duration("timeout", &options::timeout, {.least = milliseconds{1}, .most = length_max},
                    "How long one job may take; left out: as long as it needs.")
          .example("30s")
          .count("repeat", &options::repeat, {.least = 1}, "How often its handler, or its steps, are done for one job.")
          .text("output", &options::output, "The queue that results go on to; left out: results are dropped.",
                check_queue_name, "the name of a queue")
          .example("verdicts")
          .parsed("output_order_by", &options::output_order_by,
                  "Of its outputs that are ready, the one with the smallest value goes first.", job_order::parse,
                  job_order::write, std::string{job_order::expected})
          .example("\"-${json:/length}\"")
          .text("dead_letter", &options::dead_letter,
                "The queue that failed jobs go to; left out: the dead_letter of their queue, or they are buried with "
                "their error.",
                check_queue_name, "the name of a queue")
          .example("rejected")
          .parsed("job_name", &options::job_name, "The name of a job in the list of tasks while it is worked on.",
                  handlers::job_template::parse, handlers::job_template::write,
                  std::string{handlers::job_template::expected})
          .example("\"${json:/name}\"")
          .section("retry", &options::retry, engine::retry_option_table(),
                   "When a failed job is tried again, in place of the retry of its queue.");
  return table;
}

}  // namespace millrace::workload
