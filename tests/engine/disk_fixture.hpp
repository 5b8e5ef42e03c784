#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/engine_fixture.hpp"

namespace millrace::engine::testing {

inline constexpr std::uint32_t body_bytes = 1'000;
inline constexpr std::uint64_t cost = body_bytes + 24;  // what a body of that length counts

inline engine_options memory_for(std::uint64_t bodies, std::uint32_t prefetch = 4) {
  engine_options limits;
  limits.body_memory_max = bodies * cost;
  limits.body_prefetch = prefetch;
  return limits;
}

inline std::string text_of(char letter) { return std::string(body_bytes, letter); }

/// An engine with one durable queue, and a disk that answers when the test says so.
struct disk_fixture : engine_fixture {
  explicit disk_fixture(engine_options limits) : engine_fixture{limits} {
    engine.declare("q", {.durability = durability::sync}).value();
    client = session();
  }

  job_id put_safely(char letter, put_details details = {}) {
    const auto id = put(client, text_of(letter), details);
    engine.stored(id);
    kept[id] = text_of(letter);
    return id;
  }
  bool in_memory(job_id job) { return !engine.look(job).value().content_on_disk; }
  std::vector<job_id> wanted() {
    std::vector<job_id> jobs;
    engine.take_wanted_bodies(jobs);
    return jobs;
  }
  void read(job_id job) { engine.body_loaded(job, body{kept.at(job)}, now); }
  void read_all() {
    for (const auto job : wanted()) read(job);
  }

  session_id client;
  std::map<job_id, std::string> kept;
};

inline kept_job left_on_disk(std::uint64_t id, queue_id queue, bool read_at_start = false) {
  kept_job left;
  left.read_at_start = read_at_start;
  left.job = job_id{id};
  left.queue = queue;
  left.bytes_on_disk = body_bytes;
  return left;
}

inline std::string granted(session_id client, char letter) {
  return "granted " + std::to_string(client.value()) + ": " + text_of(letter);
}

}  // namespace millrace::engine::testing
