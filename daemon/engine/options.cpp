#include "engine/options.hpp"

namespace millrace::engine {

const options_of<queue_options>& queue_option_table() {
  static const auto table =
      options_of<queue_options>{}
          .count("max_jobs", &queue_options::max_jobs, {.least = 1, .most = 1'000'000'000},
                 "jobs it holds at most, in all states together")
          .size("max_bytes", &queue_options::max_bytes, {.least = 1, .most = std::uint64_t{1} << 50},
                "bytes of job bodies it holds at most, in all states together")
          .choice(
              "overflow", &queue_options::when_full,
              {{"block", overflow::block}, {"reject", overflow::reject}, {"drop_oldest", overflow::drop_oldest}},
              "what a put meets when the queue is full: it waits, it is refused, or the job longest ready is dropped")
          .choice("durability", &queue_options::durability,
                  {{"sync", durability::sync}, {"relaxed", durability::relaxed}, {"memory", durability::memory}},
                  "how safe its jobs are before a put is acknowledged: on disk, on disk a moment later, or in memory; "
                  "sync unless said "
                  "otherwise where there is a data_dir");
  return table;
}

}  // namespace millrace::engine
