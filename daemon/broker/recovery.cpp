#include "broker/recovery.hpp"

#include <optional>
#include <utility>

#include "base/log.hpp"

namespace millrace::broker {

namespace {

/// Read between two readings of the clock: about a millisecond at most.
constexpr std::size_t rows_at_once = 256;
constexpr std::size_t bytes_at_once = 1u << 20;
/// Put in order between two readings of the clock.
constexpr std::size_t jobs_at_once = 4'096;

}  // namespace

recovery::recovery(loop::event_loop& loop, broker& broker, store::store& store, std::string data_dir,
                   recovery_pace pace)
    : loop_{loop},
      broker_{broker},
      store_{store},
      data_dir_{std::move(data_dir)},
      pace_{pace},
      now_{loop.refresh_now()},
      next_report_{after(now_, pace.report_interval)} {
  engine::engine& into = broker_.begin_restore();
  store_.begin_recovery(
      {.queue_of = [&into](std::string_view name) { return into.restore_queue(name); },
       .on_job =
           [this, &into](engine::kept_job&& job) {
             into.restore(std::move(job), now_);
             ++jobs_;
           },
       .on_pause =
           [this, &into](const store::recovered_pause& pause) {
             into.restore_pause(pause.queue, pause.until, pause.length, now_);
           },
       .on_group = [this, &into](engine::kept_group&& group) { into.restore_group(std::move(group), now_); },
       .on_last_group = [&into](engine::group_id last) { into.restore_last_group(last); },
       .on_action = [this](std::uint64_t action,
                           std::string&& description) { broker_.restore_action(action, std::move(description)); }},
      into.body_memory_at_start());
}

result<bool> recovery::run_slice() {
  now_ = loop_.refresh_now();
  const instant end = after(now_, pace_.slice_length);
  do {
    if (!id_mark_) {
      const auto mark = store_.recover_slice(rows_at_once, bytes_at_once);
      if (!mark) return mark.error();
      id_mark_ = *mark;
    }
    if (id_mark_ && broker_.end_restore(*id_mark_, jobs_at_once)) {
      log::info("recovered", "jobs that were kept are back", {{"data_dir", data_dir_}, {"jobs", jobs_}});
      return true;
    }
    now_ = loop_.refresh_now();
  } while (now_ < end);
  if (now_ >= next_report_) report();
  return false;
}

void recovery::report() {
  next_report_ = after(now_, pace_.report_interval);
  log::info("recovering", "jobs that were kept are being read", {{"data_dir", data_dir_}, {"jobs", jobs_}});
}

}  // namespace millrace::broker
