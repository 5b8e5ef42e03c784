#include "engine/options.hpp"

namespace millrace::engine {

namespace {

// Limits of the limits: what one machine could ever hold; a mistyped number is found rather than obeyed.
constexpr std::uint64_t queue_jobs_max = 1'000'000'000;
constexpr std::uint64_t queue_bytes_max = 1ull << 44;
constexpr auto not_durable_yet = "is planned, not here yet: it needs daemon.data_dir; queues live in memory";

}  // namespace

const options_of<queue_options>& queue_option_table() {
  static const auto table =
      options_of<queue_options>{}
          .count("max_jobs", &queue_options::max_jobs, {.least = 1, .most = queue_jobs_max},
                 "Jobs of all states that the queue holds before it is full.")
          .size("max_bytes", &queue_options::max_bytes, {.least = 1, .most = queue_bytes_max},
                "Bytes of all bodies that the queue holds before it is full.")
          .choice(
              "overflow", &queue_options::when_full,
              {{"block", overflow::block}, {"reject", overflow::reject}, {"drop_oldest", overflow::drop_oldest}},
              "What a put meets in a full queue: it waits, is refused, or drops the job longest ready.")
          .choice("durability", &queue_options::safety, {{"memory", durability::memory}},
                                          "How safe a change is before it is acknowledged.")
          .planned_choice("sync", not_durable_yet)
          .planned_choice("relaxed", not_durable_yet);
  return table;
}

}  // namespace millrace::engine
