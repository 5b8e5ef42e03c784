#include "telemetry/queue_metrics.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cassert>
#include <functional>
#include <numeric>
#include <utility>

#include <millrace/loop/deadline.hpp>

namespace millrace::telemetry {

namespace {

/// Raises `value` to at least `least`.
void raise_to(counter& value, const counter& least) {
  if (value.value() < least.value()) value.add(least.value() - value.value());
}

void raise_to(folded_histogram& value, const folded_histogram& least) {
  if (value.counts.size() < least.counts.size()) value.counts.resize(least.counts.size());
  for (std::size_t i = 0; i < least.counts.size(); ++i) value.counts[i] = std::max(value.counts[i], least.counts[i]);
  value.count = std::accumulate(value.counts.begin(), value.counts.end(), std::uint64_t{0});
  value.sum = std::max(value.sum, least.sum);
}

void add(engine::queue_levels& sum, const engine::queue_levels& added) {
  using levels = engine::queue_levels;
  for (const auto member :
       {&levels::ready, &levels::reserved, &levels::delayed, &levels::buried, &levels::urgent, &levels::ready_bytes,
        &levels::reserved_bytes, &levels::delayed_bytes, &levels::buried_bytes})
    sum.*member += added.*member;
  for (const auto member :
       {&levels::oldest_ready, &levels::oldest_reserved, &levels::oldest_delayed, &levels::oldest_buried})
    sum.*member = std::min(sum.*member, added.*member);
  for (const auto member :
       {&levels::using_sessions, &levels::watching_sessions, &levels::waiting_sessions, &levels::waiting_puts})
    sum.*member += added.*member;
}

void add_timings(queue_row& row, const engine::queue_timings& timings, const shown_buckets& buckets) {
  row.wait.add(timings.wait, buckets);
  row.service.add(timings.service, buckets);
  row.end_to_end.add(timings.end_to_end, buckets);
}

}  // namespace

std::span<const duration> queue_bounds() {
  static constexpr std::array<duration, 7> bounds{milliseconds{1}, milliseconds{10}, milliseconds{100}, seconds{1},
                                                  seconds{10},     minutes{1},       minutes{10}};
  return bounds;
}

loop::awaitable<queue_copy> queue_metrics::copy(loop::event_loop& loop, const engine::engine& engine) {
  queue_copy copied;
  copied.at = loop.now();
  copied.bounds.assign(buckets_.upper().begin(), buckets_.upper().end());
  for (const auto& row : engine.rows().all())
    if (engine.rows().shown(row, copied.at)) copy_row(row, engine, copied);

  // Removed queues are read first. A queue that is removed between two slices is then missing once, which `keep_rising`
  // corrects. Read last, it would be counted twice.
  queue_row others;
  others.name = engine::other_queues_name;
  others.counts = engine.counts_of_removed();
  add_timings(others, engine.other_timings(), buckets_);

  std::vector<queue_id> slice;
  for (std::size_t position = 0;;) {
    slice.clear();
    position = engine.list_queues(position, slice_queues, slice);
    for (const auto queue : slice) {
      if (engine.has_row(queue)) continue;
      const auto levels = engine.levels(queue);
      engine::add_counts(others.counts, engine.counts(queue));
      add(others.levels, levels);
      if (levels.paused_until > copied.at) ++others.paused;
    }
    if (position == 0) break;
    co_await loop::yield(loop);
  }
  keep_rising(others);
  copied.rows.push_back(std::move(others));
  co_return copied;
}

void queue_metrics::copy_row(const engine::queue_row& row, const engine::engine& engine, queue_copy& page) {
  auto& copied = page.rows.emplace_back();
  copied.name = row.name;
  copied.counts = row.before;
  add_timings(copied, row.timings, buckets_);
  if (!row.queue) return;
  engine::add_counts(copied.counts, engine.counts(row.queue));
  copied.levels = engine.levels(row.queue);
  copied.paused = copied.levels.paused_until > page.at ? 1 : 0;
  const auto& limits = engine.options_of(row.queue);
  copied.limit_jobs = limits.max_jobs;
  copied.limit_bytes = limits.max_bytes;
}

void queue_metrics::keep_rising(queue_row& others) {
  engine::each_counter(others.counts, last_others_.counts,
                       [](counter& value, const counter& least) { raise_to(value, least); });
  raise_to(others.wait, last_others_.wait);
  raise_to(others.service, last_others_.service);
  raise_to(others.end_to_end, last_others_.end_to_end);
  last_others_ = others;
}

namespace {

struct state_columns {
  std::string_view name;
  std::uint64_t engine::queue_levels::*jobs;
  std::uint64_t engine::queue_levels::*bytes;
  instant engine::queue_levels::*oldest;
};

constexpr std::array<state_columns, 4> states{{
    {"ready", &engine::queue_levels::ready, &engine::queue_levels::ready_bytes, &engine::queue_levels::oldest_ready},
    {"reserved", &engine::queue_levels::reserved, &engine::queue_levels::reserved_bytes,
     &engine::queue_levels::oldest_reserved},
    {"delayed", &engine::queue_levels::delayed, &engine::queue_levels::delayed_bytes,
     &engine::queue_levels::oldest_delayed},
    {"buried", &engine::queue_levels::buried, &engine::queue_levels::buried_bytes,
     &engine::queue_levels::oldest_buried},
}};

/// The shared row has all samples, so that each family and label exists from the start.
bool is_shared(const queue_row& row) { return row.name == engine::other_queues_name; }

/// Calls `write_one(row, state)` for each state that has samples: `ready`, and those in which the queue has jobs.
template <class Write>
void each_state(const queue_copy& queues, const Write& write_one) {
  for (const auto& row : queues.rows)
    for (const auto& state : states)
      if (&state == &states.front() || is_shared(row) || row.levels.*state.jobs > 0) write_one(row, state);
}

void write_levels(exposition& page, const queue_copy& queues) {
  page.family(family_kind::gauge, "millrace_queue_jobs", "Jobs in a queue by state.");
  each_state(queues, [&](const queue_row& row, const state_columns& state) {
    page.sample({{"queue", row.name}, {"state", state.name}}, row.levels.*state.jobs);
  });

  page.family(family_kind::gauge, "millrace_queue_bytes", "Bytes of job bodies in a queue by state.");
  each_state(queues, [&](const queue_row& row, const state_columns& state) {
    page.sample({{"queue", row.name}, {"state", state.name}}, row.levels.*state.bytes);
  });

  page.family(family_kind::gauge, "millrace_queue_oldest_job_age_seconds",
              "How long the oldest job of a state has been in it; 0 when there is none.");
  each_state(queues, [&](const queue_row& row, const state_columns& state) {
    page.sample({{"queue", row.name}, {"state", state.name}}, age(row.levels.*state.oldest, queues.at));
  });

  page.family(family_kind::gauge, "millrace_queue_paused",
              "1 while no job of the queue may be reserved; of __other__, how many are paused.");
  for (const auto& row : queues.rows) page.sample({{"queue", row.name}}, row.paused);

  page.family(family_kind::gauge, "millrace_queue_waiting_consumers",
              "Sessions that wait for a job of this queue; a session counts in every queue it watches.");
  for (const auto& row : queues.rows) page.sample({{"queue", row.name}}, std::uint64_t{row.levels.waiting_sessions});
}

void write_saturation(exposition& page, const queue_copy& queues) {
  page.family(family_kind::gauge, "millrace_queue_limit_jobs", "Jobs of all states that a queue accepts.");
  for (const auto& row : queues.rows)
    if (row.limit_jobs) page.sample({{"queue", row.name}}, *row.limit_jobs);

  page.family(family_kind::gauge, "millrace_queue_limit_bytes", "Bytes of job bodies that a queue accepts.");
  for (const auto& row : queues.rows)
    if (row.limit_bytes) page.sample({{"queue", row.name}}, *row.limit_bytes);

  page.family(family_kind::gauge, "millrace_queue_waiting_puts", "Puts and outputs that wait for capacity in a queue.");
  for (const auto& row : queues.rows) page.sample({{"queue", row.name}}, std::uint64_t{row.levels.waiting_puts});
}

/// Whether jobs have been in the queue.
bool is_used(const queue_row& row) {
  if (is_shared(row) || row.levels.jobs() > 0) return true;
  bool counted = false;
  engine::queue_counts nothing;
  engine::each_counter(nothing, row.counts,
                       [&](const counter&, const counter& value) { counted = counted || value.value() > 0; });
  return counted;
}

/// Written from the first event on: most queues never have most events, and zeros would be most of a page.
void write_counter(exposition& page, const queue_copy& queues, std::string_view name, std::string_view help,
                   counter engine::queue_counts::*member) {
  page.family(family_kind::counter, name, help);
  for (const auto& row : queues.rows) {
    const auto& count = row.counts.*member;
    if (is_shared(row) || count.value() > 0) page.sample({{"queue", row.name}}, count);
  }
}

using engine::reason_counts;
using reason_set = std::bitset<engine::reason_count>;

constexpr std::size_t index_of(engine::reason value) { return static_cast<std::size_t>(value); }

template <class... Reasons>
constexpr reason_set all_but(Reasons... excluded) {
  auto left = reason_set{}.set();
  (left.reset(index_of(excluded)), ...);
  return left;
}

/// Writes the reasons that were counted; of the shared row also those of `possible`.
void write_by_reason(exposition& page, const queue_copy& queues, std::string_view name, std::string_view help,
                     reason_counts engine::queue_counts::*member, const reason_set& possible) {
  page.family(family_kind::counter, name, help);
  for (const auto& row : queues.rows) {
    const auto& counts = row.counts.*member;
    for (std::size_t i = 0; i < engine::reason_count; ++i) {
      const bool is_shown = counts[i].value() > 0 || (is_shared(row) && possible[i]);
      if (!is_shown) continue;
      page.sample({{"queue", row.name}, {"reason", engine::name_of(static_cast<engine::reason>(i))}}, counts[i]);
    }
  }
}

void write_reasons(exposition& page, const queue_copy& queues) {
  using counts = engine::queue_counts;
  using enum engine::reason;
  write_by_reason(page, queues, "millrace_jobs_buried_total", "Jobs that were buried.", &counts::buried,
                  all_but(overflow, draining));
  write_by_reason(page, queues, "millrace_jobs_dead_lettered_total", "Jobs that went to a dead letter queue.",
                  &counts::dead_lettered, all_but(client, overflow, draining, io_error));
  write_by_reason(page, queues, "millrace_jobs_rejected_total", "Puts that a queue refused.", &counts::rejected,
                  all_but(client, failed, timeout, engine::reason::cancelled, output_full, io_error,
                          engine::reason::rejected, undeliverable, engine::reason::expired, limit));
}

void write_counts(exposition& page, const queue_copy& queues) {
  using counts = engine::queue_counts;
  page.family(family_kind::counter, "millrace_jobs_put_total", "Jobs that entered a queue.");
  for (const auto& row : queues.rows) page.sample({{"queue", row.name}}, row.counts.puts);
  // With zeros: that nobody reserves what is ready must be seen.
  page.family(family_kind::counter, "millrace_jobs_reserved_total", "Reservations of jobs.");
  for (const auto& row : queues.rows)
    if (is_used(row)) page.sample({{"queue", row.name}}, row.counts.reserved);

  write_counter(page, queues, "millrace_jobs_released_total", "Jobs given back by their holder.", &counts::released);
  write_counter(page, queues, "millrace_jobs_kicked_total", "Buried or delayed jobs made ready by a kick.",
                &counts::kicked);
  write_counter(page, queues, "millrace_jobs_ttr_expired_total", "Reservations that ended because time ran out.",
                &counts::ttr_expired);
  write_counter(page, queues, "millrace_jobs_interrupted_total", "Jobs handed out and never answered.",
                &counts::interrupted);
  write_counter(page, queues, "millrace_jobs_retried_total", "Failed attempts after which the job waits for another.",
                &counts::retried);
  write_counter(page, queues, "millrace_jobs_postponed_total",
                "Attempts after which the handler wanted the job again later.", &counts::postponed);

  page.family(family_kind::counter, "millrace_jobs_finished_total",
              "Jobs that ended or failed: finished by their holder, deleted, or dropped.");
  for (const auto& row : queues.rows) {
    for (std::size_t i = 0; i < engine::outcome_count; ++i) {
      const auto outcome = static_cast<engine::outcome>(i);
      const bool ends_no_job = outcome == engine::outcome::later || outcome == engine::outcome::interrupted;
      const bool is_shown = row.counts.finished[i].value() > 0 || (is_shared(row) && !ends_no_job);
      if (!is_shown) continue;
      page.sample({{"queue", row.name}, {"outcome", engine::name_of(outcome)}}, row.counts.finished[i]);
    }
  }
  write_reasons(page, queues);
}

/// A histogram that counted nothing is left out: quantiles of it do not exist, and sums are the same without it. One
/// that counted has all buckets. Without the empty ones, sums over queues or daemons would be wrong, since each would
/// lack other bounds.
void write_timing(exposition& page, const queue_copy& queues, std::string_view name, std::string_view help,
                  folded_histogram queue_row::*member) {
  page.family(family_kind::histogram, name, help);
  for (const auto& row : queues.rows)
    if (is_shared(row) || (row.*member).count > 0) page.sample({{"queue", row.name}}, row.*member, queues.bounds);
}

}  // namespace

void write(exposition& page, const queue_copy& queues) {
  write_levels(page, queues);
  write_saturation(page, queues);
  write_counts(page, queues);
  write_timing(page, queues, "millrace_job_wait_seconds", "From ready to reserved.", &queue_row::wait);
  write_timing(page, queues, "millrace_job_service_seconds", "From reserved to done.", &queue_row::service);
  write_timing(page, queues, "millrace_job_end_to_end_seconds", "From put to done.", &queue_row::end_to_end);
}

}  // namespace millrace::telemetry
