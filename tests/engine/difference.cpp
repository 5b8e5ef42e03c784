#include <charconv>
#include <concepts>
#include <string_view>
#include <variant>

#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

std::int64_t ns(instant time) { return time.time_since_epoch().count(); }

/// Makes text of words and numbers, faster than a stream: a duel writes every change of every step.
class text_builder {
 public:
  text_builder& operator<<(std::string_view word) {
    text_ += word;
    return *this;
  }
  template <std::integral Number>
  text_builder& operator<<(Number number) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), std::int64_t(number));
    text_.append(digits, end.ptr);
    return *this;
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string text_of(const job_tally& tally) {
  std::string text = " tally";
  for (const auto count : {tally.reserves, tally.timeouts, tally.releases, tally.buries, tally.kicks, tally.failures,
                           tally.interruptions, tally.laters})
    text += ' ' + std::to_string(count);
  return text;
}

std::string text_of(const job_details& details) {
  text_builder text;
  text << " cause " << (details.cause ? name_of(*details.cause) : "none") << " origin " << details.origin
       << " failures from " << ns(details.first_failure) << " to " << ns(details.last_failure) << " expires "
       << ns(details.expires_at) << " group " << details.group.value() << " place " << details.group_place;
  return std::move(text).text();
}

std::string text_of(const std::shared_ptr<const job_details>& details) {
  return details == nullptr ? " no details" : text_of(*details);
}

std::string text_of(const group_facts& facts) {
  text_builder text;
  text << facts.name << " for " << facts.outcome_queue << " state " << static_cast<int>(facts.state) << " ends with "
       << static_cast<int>(facts.ends_with) << " remaining " << static_cast<int>(facts.remaining) << " opened "
       << ns(facts.opened_at) << " members " << facts.members << " ended " << facts.ended << " ok " << facts.succeeded
       << (facts.outcome_put ? " outcome put" : "") << " outer " << facts.outer.value() << " at " << facts.outer_place;
  return std::move(text).text();
}

/// Keeps the first difference.
class difference_finder {
 public:
  template <class T>
  void check(const char* property, const T& engine_value, const T& model_value) {
    if (!found_.empty() || are_equal(engine_value, model_value)) return;
    text_builder text;
    text << property << " of " << kind_ << " ";
    std::visit([&text](const auto& id) { text << id; }, id_);
    text << ": engine " << describe(engine_value) << ", model " << describe(model_value);
    found_ = std::move(text).text();
  }
  /// The next checks are about this object. Requires: `kind` outlives this object, `id` the next call.
  void set_object(std::string_view kind, std::variant<std::string_view, std::uint64_t> id = {}) {
    kind_ = kind, id_ = id;
  }
  [[nodiscard]] std::string found() && { return std::move(found_); }

 private:
  static bool are_equal(const counter& left, const counter& right) { return left.value() == right.value(); }
  template <class T>
  static bool are_equal(const T& left, const T& right) {
    return left == right;
  }
  template <class T>
  static std::string describe(const T& value) {
    text_builder text;
    if constexpr (requires { text_of(value); }) {
      text << text_of(value);
    } else if constexpr (requires { text << value.value(); }) {
      text << value.value();
    } else if constexpr (std::is_same_v<T, instant>) {
      text << ns(value);
    } else if constexpr (std::is_same_v<T, duration>) {
      text << value.count();
    } else if constexpr (std::is_enum_v<T>) {
      text << static_cast<int>(value);
    } else {
      text << value;
    }
    return std::move(text).text();
  }

  std::string_view kind_;
  std::variant<std::string_view, std::uint64_t> id_;
  std::string found_;
};

void compare_job(difference_finder& finder, const job_facts& facts, const model_job& job) {
  finder.check("queue", facts.queue, job.queue);
  finder.check("state", facts.state, job.state);
  finder.check("length", std::size_t{facts.bytes}, job.text.size());
  if (!facts.content_on_disk) finder.check("body", facts.content.view(), std::string_view{job.text});
  finder.check("priority", facts.priority, job.priority);
  finder.check("time of put", facts.put_at, job.put_at);
  finder.check("time of entry", facts.entered_state_at, job.entered);
  finder.check("delay", facts.delay, job.delay);
  finder.check("ttr", facts.ttr, job.ttr);
  finder.check("due time", facts.due, job.due);
  finder.check("reserves", facts.reserves, job.reserves);
  finder.check("timeouts", facts.timeouts, job.timeouts);
  finder.check("releases", facts.releases, job.releases);
  finder.check("buries", facts.buries, job.buries);
  finder.check("kicks", facts.kicks, job.kicks);
  finder.check("failures", facts.failures, job.failures);
  finder.check("interruptions", facts.interruptions, job.interruptions);
  finder.check("laters", facts.laters, job.laters);
  finder.check("error", facts.error_text, job.error_text);
  finder.check("details", facts.details, job.details);
}

void compare_levels(difference_finder& finder, const queue_levels& engine_levels, const queue_levels& model_levels) {
  finder.check("ready", engine_levels.ready, model_levels.ready);
  finder.check("reserved", engine_levels.reserved, model_levels.reserved);
  finder.check("delayed", engine_levels.delayed, model_levels.delayed);
  finder.check("buried", engine_levels.buried, model_levels.buried);
  finder.check("urgent", engine_levels.urgent, model_levels.urgent);
  finder.check("ready bytes", engine_levels.ready_bytes, model_levels.ready_bytes);
  finder.check("reserved bytes", engine_levels.reserved_bytes, model_levels.reserved_bytes);
  finder.check("delayed bytes", engine_levels.delayed_bytes, model_levels.delayed_bytes);
  finder.check("buried bytes", engine_levels.buried_bytes, model_levels.buried_bytes);
  finder.check("oldest ready", engine_levels.oldest_ready, model_levels.oldest_ready);
  finder.check("oldest reserved", engine_levels.oldest_reserved, model_levels.oldest_reserved);
  finder.check("oldest delayed", engine_levels.oldest_delayed, model_levels.oldest_delayed);
  finder.check("oldest buried", engine_levels.oldest_buried, model_levels.oldest_buried);
  finder.check("using", engine_levels.using_sessions, model_levels.using_sessions);
  finder.check("watching", engine_levels.watching_sessions, model_levels.watching_sessions);
  finder.check("waiting", engine_levels.waiting_sessions, model_levels.waiting_sessions);
  finder.check("waiting puts", engine_levels.waiting_puts, model_levels.waiting_puts);
  finder.check("length of pause", engine_levels.paused_for, model_levels.paused_for);
  finder.check("end of pause", engine_levels.paused_until, model_levels.paused_until);
}

void compare_counts(difference_finder& finder, const queue_counts& engine_counts, const queue_counts& model_counts) {
  finder.check("puts", engine_counts.puts, model_counts.puts);
  finder.check("reserved", engine_counts.reserved, model_counts.reserved);
  finder.check("released", engine_counts.released, model_counts.released);
  finder.check("kicked", engine_counts.kicked, model_counts.kicked);
  finder.check("expired", engine_counts.ttr_expired, model_counts.ttr_expired);
  finder.check("deletes", engine_counts.deletes, model_counts.deletes);
  finder.check("pauses", engine_counts.pauses, model_counts.pauses);
  finder.check("retried", engine_counts.retried, model_counts.retried);
  finder.check("postponed", engine_counts.postponed, model_counts.postponed);
  finder.check("interrupted", engine_counts.interrupted, model_counts.interrupted);
  for (std::size_t i = 0; i < outcome_count; ++i)
    finder.check("finished", engine_counts.finished[i], model_counts.finished[i]);
  for (std::size_t i = 0; i < reason_count; ++i) {
    finder.check("buried for a reason", engine_counts.buried[i], model_counts.buried[i]);
    finder.check("dead-lettered", engine_counts.dead_lettered[i], model_counts.dead_lettered[i]);
    finder.check("rejected", engine_counts.rejected[i], model_counts.rejected[i]);
  }
}

void compare_timings(difference_finder& finder, const queue_timings& engine_timings,
                     const model_timings& model_timings) {
  const auto compare = [&](const char* property, const histogram& engine_times, const duration_total& model_times) {
    finder.check(property, engine_times.count(), model_times.count);
    finder.check(property, engine_times.sum(), model_times.sum);
  };
  compare("waits", engine_timings.wait, model_timings.wait);
  compare("services", engine_timings.service, model_timings.service);
  compare("ends", engine_timings.end_to_end, model_timings.end_to_end);
}

void compare_first(difference_finder& finder, const std::optional<job_facts>& facts, const model_job* job) {
  finder.check("first", facts ? facts->job : job_id{}, job != nullptr ? job->id : job_id{});
}

void compare_totals(difference_finder& finder, const engine_totals& totals, const model& model) {
  queue_levels sum;
  std::uint64_t puts = model.puts_of_removed, expired = model.expirations_of_removed;
  for (const auto& queue : model.queues) {
    const auto levels = model.levels(queue.id);
    sum.ready += levels.ready, sum.reserved += levels.reserved, sum.delayed += levels.delayed;
    sum.buried += levels.buried, sum.urgent += levels.urgent;
    puts += queue.counts.puts.value(), expired += queue.counts.ttr_expired.value();
  }
  finder.check("ready", totals.ready, sum.ready);
  finder.check("reserved", totals.reserved, sum.reserved);
  finder.check("delayed", totals.delayed, sum.delayed);
  finder.check("buried", totals.buried, sum.buried);
  finder.check("urgent", totals.urgent, sum.urgent);
  finder.check("puts", totals.puts.value(), puts);
  finder.check("expired", totals.ttr_expired.value(), expired);
}

void compare_rows(difference_finder& finder, const queue_rows& rows, const model& model) {
  const auto is_shown_in_model = [&](const auto& row) { return model.is_shown(row); };
  const auto is_shown = [&](const auto& row) { return rows.shown(row, model.time()); };
  finder.check("rows", std::ranges::count_if(rows.all(), is_shown),
               std::ranges::count_if(model.rows, is_shown_in_model));
  for (const auto& row : model.rows) {
    if (!model.is_shown(row)) continue;
    finder.set_object("row", row.name);
    const auto found = std::ranges::find(rows.all(), row.name, &queue_row::name);
    if (found == rows.all().end()) {
      finder.check("row is there", false, true);
      continue;
    }
    finder.check("queue of the row", found->queue, row.queue);
    compare_counts(finder, found->before, row.before);
    compare_timings(finder, found->timings, row.timings);
  }
}

}  // namespace

std::string difference(const engine& engine, const model& model) {
  difference_finder finder;
  finder.set_object("all");
  finder.check("next deadline", engine.next_deadline(), model.next_deadline());
  finder.check("number of jobs", engine.job_count(), model.jobs.size());
  finder.check("number of queues", engine.queue_count(), model.queues.size());
  compare_totals(finder, engine.totals(), model);
  compare_counts(finder, engine.counts_of_removed(), model.counts_of_removed);
  compare_timings(finder, engine.other_timings(), model.other_timings);
  compare_rows(finder, engine.rows(), model);
  finder.set_object("all");

  std::vector<queue_id> listed;
  for (std::size_t place = engine.list_queues(0, 2, listed); place != 0;) place = engine.list_queues(place, 2, listed);
  finder.check("listed queues", listed.size(), model.queues.size());
  for (std::size_t i = 0; i < std::min(listed.size(), model.queues.size()); ++i) {
    const auto& queue = model.queues[i];
    finder.set_object("queue", queue.name);
    finder.check("place", listed[i], queue.id);
    finder.check("name", engine.name_of(queue.id), std::string_view{queue.name});
    finder.check("name found", engine.find(queue.name).value_or(queue_id{}), queue.id);
    compare_levels(finder, engine.levels(queue.id), model.levels(queue.id));
    compare_counts(finder, engine.counts(queue.id), queue.counts);
    finder.check("has a row", engine.has_row(queue.id), queue.has_row);
    if (!queue.has_row) compare_timings(finder, engine.timings(queue.id), model.other_timings);
    compare_first(finder, engine.first_ready(queue.id), model.first_job(queue.id, job_state::ready));
    compare_first(finder, engine.first_delayed(queue.id), model.first_job(queue.id, job_state::delayed));
    compare_first(finder, engine.first_buried(queue.id), model.first_job(queue.id, job_state::buried));
  }
  for (const auto& job : model.jobs) {
    finder.set_object("job", job.id.value());
    const auto facts = engine.look(job.id);
    finder.check("presence", facts.has_value(), true);
    if (facts) compare_job(finder, *facts, job);
  }
  for (const auto& group : model.groups) {
    finder.set_object("group", group.id.value());
    const auto facts = engine.look_at_group(group.id);
    finder.check("presence", facts.has_value(), true);
    if (facts) finder.check("facts", *facts, model.facts_of(group));
  }
  const auto unfinished = std::ranges::count_if(model.groups, [](const model_group& group) { return !group.over; });
  finder.check("groups", engine.group_count(), static_cast<std::size_t>(unfinished));
  for (const auto& session : model.sessions) {
    finder.set_object("session", session.id.value());
    finder.check("used queue", engine.used(session.id), session.used);
    const auto watched = engine.watched(session.id);
    finder.check("watched queues",
                 std::equal(watched.begin(), watched.end(), session.watched.begin(), session.watched.end()), true);
  }
  return std::move(finder).found();
}

std::string text_of(const event& event) {
  text_builder text;
  text << "event " << static_cast<int>(event.type) << " of " << event.session.value() << " id " << event.id.value()
       << " finish " << static_cast<int>(event.finish.status);
  if (event.type == event::kind::granted) {
    const auto& job = event.job;
    text << " job " << job.job.value() << " queue " << job.queue.value() << " '" << job.content.view() << "' reserves "
         << job.reserves << " priority " << job.priority << " put " << ns(job.put_at) << " ready "
         << ns(job.ready_since) << (job.in_group ? " in a group" : "");
  }
  return std::move(text).text();
}

std::string text_of(const change& change) {
  text_builder text;
  if (const auto* put = std::get_if<job_put>(&change)) {
    text << "put " << put->job.value() << " into " << put->queue.value() << " as " << static_cast<int>(put->state)
         << " '" << put->request.content.view() << "' priority " << put->request.priority << " delay "
         << put->request.delay.count() << " ttr " << put->request.ttr.count() << " at " << ns(put->put_at) << " due "
         << ns(put->due) << text_of(put->tally) << " error " << put->error_text << text_of(put->details);
  } else if (const auto* moved = std::get_if<job_moved>(&change)) {
    text << "moved " << moved->job.value() << " of " << moved->queue.value() << " to " << static_cast<int>(moved->state)
         << " priority " << moved->priority << " delay " << moved->delay.count() << " due " << ns(moved->due)
         << text_of(moved->tally) << " error " << moved->error_text << text_of(moved->details)
         << (moved->handed_out ? " handed out" : "") << " from " << moved->from.value();
  } else if (const auto* gone = std::get_if<job_gone>(&change)) {
    text << "gone " << gone->job.value() << " of " << gone->queue.value();
  } else if (const auto* changed = std::get_if<group_changed>(&change)) {
    text << "group " << changed->group.value() << " " << text_of(changed->facts);
  } else if (const auto* ended = std::get_if<group_member_ended>(&change)) {
    text << "member " << ended->place << " of group " << ended->group.value() << " job " << ended->member.job.value()
         << " ended as " << static_cast<int>(ended->member.result) << " '" << ended->member.text << "'"
         << (ended->member.is_cut ? " cut" : "");
  } else if (const auto* forgotten = std::get_if<group_gone>(&change)) {
    text << "group " << forgotten->group.value() << " gone";
  } else if (const auto* paused = std::get_if<queue_paused>(&change)) {
    text << "paused " << paused->queue.value() << " until " << ns(paused->until) << " for " << paused->length.count();
  }
  return std::move(text).text();
}

std::string text_of(bool value) { return value ? "yes" : "no"; }
std::string text_of(std::size_t value) { return std::to_string(value); }
std::string text_of(const std::optional<std::size_t>& value) { return value ? std::to_string(*value) : "refused"; }
std::string text_of(finish_status status) { return "finish " + std::to_string(static_cast<int>(status)); }
std::string text_of(change_result result) { return "change " + std::to_string(static_cast<int>(result)); }
std::string text_of(const put_answer& answer) {
  return "put " + std::to_string(static_cast<int>(answer.status)) + " " + std::to_string(answer.job.value());
}
std::string text_of(const reserve_answer& answer) {
  const event grant{event::kind::granted, {}, answer.job, {}, {}};
  return "reserve " + std::to_string(static_cast<int>(answer.status)) +
         (answer.status == reserve_status::reserved ? " " + text_of(grant) : "");
}

}  // namespace millrace::engine::testing
