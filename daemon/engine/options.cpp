#include "engine/options.hpp"

#include <millrace/base/quantity.hpp>

namespace millrace::engine {

namespace {

constexpr duration expiry_least = std::chrono::milliseconds{1};
constexpr duration expiry_most = std::chrono::hours{24 * 3'650};

result<std::optional<duration>> parse_expiry(std::string_view text) {
  if (text == "off" || text == "false") return std::optional<duration>{};
  const auto length = parse_duration(text);
  if (!length) return length.error();
  if (*length < expiry_least) return option_detail::too_low(text, write_duration(expiry_least));
  if (*length > expiry_most) return option_detail::too_high(text, write_duration(expiry_most));
  return std::optional{*length};
}

std::string write_expiry(const std::optional<duration>& length) { return length ? write_duration(*length) : "off"; }

}  // namespace

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
                  "otherwise where there is a data_dir")
          .section("retry", &queue_options::retry, retry_option_table(),
                   "When a job is tried again after its handler failed.")
          .count("deliveries_max", &queue_options::deliveries_max, {.most = 1'000'000},
                 "A job that was handed out so often without an answer (its lease ended, its connection was lost, its "
                 "worker or the daemon died) is undeliverable: it goes to dead_letter, or is buried; 0: no limit; left "
                 "out: no limit, but 3 for jobs whose worker died.")
          .example("3")
          .text("dead_letter", &queue_options::dead_letter,
                "The queue for its jobs that failed for the last time, are undeliverable or expired; empty: failed and "
                "undeliverable jobs are buried, expired ones dropped.",
                {}, "the name of a queue, or an empty text")
          .parsed("expire_after", &queue_options::expire_after,
                  "A ready or delayed job ends when nobody took it for this time after its put; off: never.",
                  parse_expiry, write_expiry, "a duration from 1ms to 3650d, or off");
  return table;
}

}  // namespace millrace::engine
