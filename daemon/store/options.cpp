#include "store/options.hpp"

namespace millrace::store {

const options_of<store_options>& store_option_table() {
  static const options_of<store_options> table = [] {
    options_of<store_options> made;
    made.duration("relaxed_interval", &store_options::relaxed_interval, {milliseconds{1}, hours{1}},
                  "changes of queues with `durability: relaxed` are on disk after this time");
    made.duration("relaxed_lag_max", &store_options::relaxed_lag_max, {milliseconds{1}, hours{1}},
                  "when their oldest change is later than relaxed_interval by more than this, relaxed queues "
                  "acknowledge only what is on disk");
    made.size("store_pending_bytes_max", &store_options::store_pending_bytes_max, {1ull << 20, std::nullopt},
              "changes that may wait to be written; a client that brings changes pauses when it has brought more of "
              "these bytes than are left");
    made.size("write_batch_max", &store_options::write_batch_max, {64ull << 10, std::nullopt},
              "changes that share a commit; further ones wait for the next, so that a small change does not wait for a "
              "flood");
    made.size("disk_reserve", &store_options::disk_reserve, {0, std::nullopt},
              "puts are refused while less than this is free on the disk of data_dir");
    made.size("memory_limit", &store_options::memory_limit, {0, std::nullopt},
              "what bodies of durable queues may take of memory; the others are on disk only until it is their turn "
              "(unless given, all are in memory)")
        .example("256MiB");
    made.count("body_prefetch", &store_options::body_prefetch, {1, 100'000},
               "with memory_limit: so many jobs of a queue have their bodies read before it is their turn");
    return made;
  }();
  return table;
}

}  // namespace millrace::store
