#include <charconv>
#include <concepts>
#include <string_view>
#include <variant>

#include "engine/duel.hpp"

namespace millrace::engine::testing {

namespace {

std::int64_t ns(instant at) { return at.time_since_epoch().count(); }

/// Text from words and numbers. A duel spells out every change of every step: a stream takes half of its time.
class sentence {
 public:
  sentence& operator<<(std::string_view word) {
    text_ += word;
    return *this;
  }
  template <std::integral Number>
  sentence& operator<<(Number number) {
    char digits[20];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), std::int64_t(number));
    text_.append(digits, end.ptr);
    return *this;
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string words(const job_tally& tally) {
  std::string text = " tally";
  for (const auto count : {tally.reserves, tally.timeouts, tally.releases, tally.buries, tally.kicks, tally.failures,
                           tally.interruptions, tally.laters})
    text += ' ' + std::to_string(count);
  return text;
}

std::string words(const job_details& details) {
  sentence text;
  text << " cause " << (details.cause ? name_of(*details.cause) : "none") << " origin " << details.origin
       << " failures from " << ns(details.first_failure) << " to " << ns(details.last_failure) << " expires "
       << ns(details.expires_at) << " group " << details.group.value() << " place " << details.group_place;
  return std::move(text).text();
}

std::string words(const std::shared_ptr<const job_details>& details) {
  return details == nullptr ? " no details" : words(*details);
}

std::string words(const group_facts& facts) {
  sentence text;
  text << facts.name << " for " << facts.outcome_queue << " state " << static_cast<int>(facts.state) << " ends with "
       << static_cast<int>(facts.ends_with) << " remaining " << static_cast<int>(facts.remaining) << " opened "
       << ns(facts.opened_at) << " members " << facts.members << " ended " << facts.ended << " ok " << facts.succeeded
       << (facts.outcome_put ? " told" : "") << " outer " << facts.outer.value() << " at " << facts.outer_place;
  return std::move(text).text();
}

/// Collects the first difference.
class differences {
 public:
  template <class T>
  void check(const char* what, const T& engine, const T& model) {
    if (found_.empty() && !same(engine, model)) {
      sentence text;
      text << what << " of " << kind_ << " ";
      std::visit([&text](const auto& which) { text << which; }, which_);
      text << ": engine " << show(engine) << ", model " << show(model);
      found_ = std::move(text).text();
    }
  }
  /// `kind` stays; `which` stays until the next call.
  void look_at(std::string_view kind, std::variant<std::string_view, std::uint64_t> which = {}) {
    kind_ = kind, which_ = which;
  }
  [[nodiscard]] std::string found() && { return std::move(found_); }

 private:
  static bool same(const counter& one, const counter& two) { return one.value() == two.value(); }
  template <class T>
  static bool same(const T& one, const T& two) {
    return one == two;
  }
  template <class T>
  static std::string show(const T& value) {
    sentence text;
    if constexpr (requires { words(value); }) {
      text << words(value);
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
  std::variant<std::string_view, std::uint64_t> which_;
  std::string found_;
};

void compare_job(differences& all, const job_facts& it, const model::its_job& other) {
  all.check("queue", it.queue, other.queue);
  all.check("state", it.state, other.state);
  all.check("length", std::size_t{it.bytes}, other.text.size());
  if (!it.content_on_disk) all.check("body", it.content.view(), std::string_view{other.text});
  all.check("priority", it.priority, other.priority);
  all.check("time of put", it.put_at, other.put_at);
  all.check("time of entry", it.entered_state_at, other.entered);
  all.check("delay", it.delay, other.delay);
  all.check("ttr", it.ttr, other.ttr);
  all.check("due time", it.due, other.due);
  all.check("reserves", it.reserves, other.reserves);
  all.check("timeouts", it.timeouts, other.timeouts);
  all.check("releases", it.releases, other.releases);
  all.check("buries", it.buries, other.buries);
  all.check("kicks", it.kicks, other.kicks);
  all.check("failures", it.failures, other.failures);
  all.check("interruptions", it.interruptions, other.interruptions);
  all.check("laters", it.laters, other.laters);
  all.check("error", it.error_text, other.error_text);
  all.check("details", it.details, other.details);
}

void compare_levels(differences& all, const queue_levels& it, const queue_levels& other) {
  all.check("ready", it.ready, other.ready);
  all.check("reserved", it.reserved, other.reserved);
  all.check("delayed", it.delayed, other.delayed);
  all.check("buried", it.buried, other.buried);
  all.check("urgent", it.urgent, other.urgent);
  all.check("ready bytes", it.ready_bytes, other.ready_bytes);
  all.check("reserved bytes", it.reserved_bytes, other.reserved_bytes);
  all.check("delayed bytes", it.delayed_bytes, other.delayed_bytes);
  all.check("buried bytes", it.buried_bytes, other.buried_bytes);
  all.check("oldest ready", it.oldest_ready, other.oldest_ready);
  all.check("oldest reserved", it.oldest_reserved, other.oldest_reserved);
  all.check("oldest delayed", it.oldest_delayed, other.oldest_delayed);
  all.check("oldest buried", it.oldest_buried, other.oldest_buried);
  all.check("using", it.using_sessions, other.using_sessions);
  all.check("watching", it.watching_sessions, other.watching_sessions);
  all.check("waiting", it.waiting_sessions, other.waiting_sessions);
  all.check("waiting puts", it.waiting_puts, other.waiting_puts);
  all.check("length of pause", it.paused_for, other.paused_for);
  all.check("end of pause", it.paused_until, other.paused_until);
}

void compare_counts(differences& all, const queue_counts& it, const queue_counts& other) {
  all.check("puts", it.puts, other.puts);
  all.check("reserved", it.reserved, other.reserved);
  all.check("released", it.released, other.released);
  all.check("kicked", it.kicked, other.kicked);
  all.check("expired", it.ttr_expired, other.ttr_expired);
  all.check("deletes", it.deletes, other.deletes);
  all.check("pauses", it.pauses, other.pauses);
  all.check("retried", it.retried, other.retried);
  all.check("postponed", it.postponed, other.postponed);
  all.check("interrupted", it.interrupted, other.interrupted);
  for (std::size_t i = 0; i < outcome_count; ++i) all.check("finished", it.finished[i], other.finished[i]);
  for (std::size_t i = 0; i < reason_count; ++i) {
    all.check("buried for a reason", it.buried[i], other.buried[i]);
    all.check("dead-lettered", it.dead_lettered[i], other.dead_lettered[i]);
    all.check("rejected", it.rejected[i], other.rejected[i]);
  }
}

void compare_timings(differences& all, const queue_timings& it, const model::times& other) {
  const auto one = [&](const char* what, const histogram& seen, const model::total& known) {
    all.check(what, seen.count(), known.times);
    all.check(what, seen.sum(), known.sum);
  };
  one("waits", it.wait, other.wait);
  one("services", it.service, other.service);
  one("ends", it.end_to_end, other.end_to_end);
}

void compare_first(differences& all, const std::optional<job_facts>& it, const model::its_job* other) {
  all.check("first", it ? it->job : job_id{}, other != nullptr ? other->id : job_id{});
}

}  // namespace

namespace {

void compare_totals(differences& all, const engine_totals& it, const model& other) {
  queue_levels sum;
  std::uint64_t puts = other.puts_of_removed, expired = other.expirations_of_removed;
  for (const auto& known : other.queues) {
    const auto levels = other.levels(known.id);
    sum.ready += levels.ready, sum.reserved += levels.reserved, sum.delayed += levels.delayed;
    sum.buried += levels.buried, sum.urgent += levels.urgent;
    puts += known.counts.puts.value(), expired += known.counts.ttr_expired.value();
  }
  all.check("ready", it.ready, sum.ready);
  all.check("reserved", it.reserved, sum.reserved);
  all.check("delayed", it.delayed, sum.delayed);
  all.check("buried", it.buried, sum.buried);
  all.check("urgent", it.urgent, sum.urgent);
  all.check("puts", it.puts.value(), puts);
  all.check("expired", it.ttr_expired.value(), expired);
}

}  // namespace

void compare_rows(differences& all, const queue_rows& its, const model& other) {
  const auto known_is_shown = [&](const auto& row) { return other.is_shown(row); };
  const auto is_shown = [&](const auto& row) { return its.shown(row, other.time()); };
  all.check("rows", std::ranges::count_if(its.all(), is_shown), std::ranges::count_if(other.rows, known_is_shown));
  for (const auto& known : other.rows) {
    if (!other.is_shown(known)) continue;
    all.look_at("row", known.name);
    const auto found = std::ranges::find(its.all(), known.name, &queue_row::name);
    if (found == its.all().end()) {
      all.check("row is there", false, true);
      continue;
    }
    all.check("queue of the row", found->queue, known.queue);
    compare_counts(all, found->before, known.before);
    compare_timings(all, found->timings, known.timings);
  }
}

std::string difference(const engine& it, const model& other) {
  differences all;
  all.look_at("all");
  all.check("next deadline", it.next_deadline(), other.next_deadline());
  all.check("number of jobs", it.job_count(), other.jobs.size());
  all.check("number of queues", it.queue_count(), other.queues.size());
  compare_totals(all, it.totals(), other);
  compare_counts(all, it.counts_of_removed(), other.removed);
  compare_timings(all, it.other_timings(), other.others);
  compare_rows(all, it.rows(), other);
  all.look_at("all");

  std::vector<queue_id> listed;
  for (std::size_t place = it.list_queues(0, 2, listed); place != 0;) place = it.list_queues(place, 2, listed);
  all.check("listed queues", listed.size(), other.queues.size());
  for (std::size_t i = 0; i < std::min(listed.size(), other.queues.size()); ++i) {
    const auto& known = other.queues[i];
    all.look_at("queue", known.name);
    all.check("place", listed[i], known.id);
    all.check("name", it.name_of(known.id), std::string_view{known.name});
    all.check("name found", it.find(known.name).value_or(queue_id{}), known.id);
    compare_levels(all, it.levels(known.id), other.levels(known.id));
    compare_counts(all, it.counts(known.id), known.counts);
    all.check("has a row", it.has_row(known.id), known.has_row);
    if (!known.has_row) compare_timings(all, it.timings(known.id), other.others);
    compare_first(all, it.first_ready(known.id), other.first(known.id, job_state::ready));
    compare_first(all, it.first_delayed(known.id), other.first(known.id, job_state::delayed));
    compare_first(all, it.first_buried(known.id), other.first(known.id, job_state::buried));
  }
  for (const auto& known : other.jobs) {
    all.look_at("job", known.id.value());
    const auto facts = it.look(known.id);
    all.check("presence", facts.has_value(), true);
    if (facts) compare_job(all, *facts, known);
  }
  for (const auto& known : other.groups) {
    all.look_at("group", known.id.value());
    const auto facts = it.look_at_group(known.id);
    all.check("presence", facts.has_value(), true);
    if (facts) all.check("facts", *facts, model::facts_of(known));
  }
  const auto live = std::ranges::count_if(other.groups, [](const auto& each) { return !each.over; });
  all.check("groups", it.group_count(), static_cast<std::size_t>(live));
  for (const auto& known : other.sessions) {
    all.look_at("session", known.id.value());
    all.check("used queue", it.used(known.id), known.uses);
    const auto watched = it.watched(known.id);
    all.check("watched queues", std::equal(watched.begin(), watched.end(), known.watched.begin(), known.watched.end()),
              true);
  }
  return std::move(all).found();
}

std::string words(const event& told) {
  sentence text;
  text << "event " << static_cast<int>(told.type) << " of " << told.session.value() << " id " << told.id.value()
       << " finish " << static_cast<int>(told.finish.status);
  if (told.type == event::kind::granted) {
    const auto& job = told.job;
    text << " job " << job.job.value() << " queue " << job.queue.value() << " '" << job.content.view() << "' reserves "
         << job.reserves << " priority " << job.priority << " put " << ns(job.put_at) << " ready "
         << ns(job.ready_since) << (job.in_group ? " in a group" : "");
  }
  return std::move(text).text();
}

std::string words(const change& what) {
  sentence text;
  if (const auto* put = std::get_if<job_put>(&what)) {
    text << "put " << put->job.value() << " into " << put->queue.value() << " as " << static_cast<int>(put->state)
         << " '" << put->request.content.view() << "' priority " << put->request.priority << " delay "
         << put->request.delay.count() << " ttr " << put->request.ttr.count() << " at " << ns(put->put_at) << " due "
         << ns(put->due) << words(put->tally) << " error " << put->error_text << words(put->details);
  } else if (const auto* moved = std::get_if<job_moved>(&what)) {
    text << "moved " << moved->job.value() << " of " << moved->queue.value() << " to " << static_cast<int>(moved->state)
         << " priority " << moved->priority << " delay " << moved->delay.count() << " due " << ns(moved->due)
         << words(moved->tally) << " error " << moved->error_text << words(moved->details)
         << (moved->handed_out ? " handed out" : "") << " left " << moved->left.value();
  } else if (const auto* gone = std::get_if<job_gone>(&what)) {
    text << "gone " << gone->job.value() << " of " << gone->queue.value();
  } else if (const auto* changed = std::get_if<group_changed>(&what)) {
    text << "group " << changed->group.value() << " " << words(changed->facts);
  } else if (const auto* ended = std::get_if<group_member_ended>(&what)) {
    text << "member " << ended->place << " of group " << ended->group.value() << " job " << ended->member.job.value()
         << " ended as " << static_cast<int>(ended->member.result) << " '" << ended->member.text << "'"
         << (ended->member.is_cut ? " cut" : "");
  } else if (const auto* forgotten = std::get_if<group_gone>(&what)) {
    text << "group " << forgotten->group.value() << " gone";
  } else if (const auto* paused = std::get_if<queue_paused>(&what)) {
    text << "paused " << paused->queue.value() << " until " << ns(paused->until) << " for " << paused->length.count();
  }
  return std::move(text).text();
}

std::string shown(bool it) { return it ? "yes" : "no"; }
std::string shown(std::size_t it) { return std::to_string(it); }
std::string shown(const std::optional<std::size_t>& it) { return it ? std::to_string(*it) : "refused"; }
std::string shown(finish_status it) { return "finish " + std::to_string(static_cast<int>(it)); }
std::string shown(change_result it) { return "change " + std::to_string(static_cast<int>(it)); }
std::string shown(const put_answer& it) {
  return "put " + std::to_string(static_cast<int>(it.status)) + " " + std::to_string(it.job.value());
}
std::string shown(const reserve_answer& it) {
  const event as_event{event::kind::granted, {}, it.job, {}, {}};
  return "reserve " + std::to_string(static_cast<int>(it.status)) +
         (it.status == reserve_status::reserved ? " " + words(as_event) : "");
}

}  // namespace millrace::engine::testing
