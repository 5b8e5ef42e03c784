// The way back of a dump.
#include <boost/json.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/bulk_load.hpp"
#include "store/dump.hpp"
#include "store/dump_members.hpp"
#include "store/dump_words.hpp"

namespace millrace::store {

namespace {

namespace json = boost::json;

std::optional<engine::job_state> state_of(std::string_view word) {
  for (const auto state : {engine::job_state::ready, engine::job_state::delayed, engine::job_state::buried})
    if (word == dump_words[static_cast<std::size_t>(state)]) return state;
  return std::nullopt;
}

std::shared_ptr<const engine::job_details> details_of(dump_members& from) {
  engine::job_details details;
  if (from.has("reason")) details.cause = from.named<engine::reason>("reason", engine::reason_count);
  details.origin = from.text_if_any("origin");
  details.first_failure = from.time_if_any("first_failure_at_ns", never);
  details.last_failure = from.time_if_any("last_failure_at_ns", never);
  details.expires_at = from.time_if_any("expires_at_ns", never);
  details.group = engine::group_id{static_cast<std::uint64_t>(from.at_least_zero_if_any("group"))};
  details.group_place = from.number_if_any<std::uint32_t>("group_place");
  if (details == engine::job_details{}) return {};
  return std::make_shared<const engine::job_details>(std::move(details));
}

result<> add_job(dump_members& from, bulk_load& to) {
  engine::kept_job job;
  job.job = job_id{from.number<std::uint64_t>("id")};
  const auto queue = from.text("queue");
  if (queue.empty()) from.note("queue");
  const auto state = state_of(from.text("state"));
  if (!state) from.note("state");
  job.state = state.value_or(engine::job_state::ready);
  job.request.priority = from.number<std::uint32_t>("priority");
  job.put_at = instant{duration{from.number<std::int64_t>("put_at_ns")}};
  if (job.state == engine::job_state::delayed) {
    job.due = instant{duration{from.number<std::int64_t>(from.has("due_at_ns") ? "due_at_ns" : "due_ns")}};
  }
  job.request.ttr = duration{from.at_least_zero("ttr_ns")};
  job.request.delay = duration{from.at_least_zero("delay_ns")};
  const auto count = [&from](const char* name) { return from.number_if_any<std::uint32_t>(name); };
  job.tally = {.reserves = count(from.has("deliveries") ? "deliveries" : "reserves"),
               .timeouts = count("timeouts"),
               .releases = count("releases"),
               .buries = count("buries"),
               .kicks = count("kicks"),
               .failures = count("failures"),
               .interruptions = count("interruptions"),
               .laters = count("laters")};
  job.handed_out = from.flag_if_any("handed_out");
  job.details = details_of(from);
  job.error_text = from.text_if_any("error");
  job.request.content = body{from.text("body")};
  if (!from.wrong().empty()) return {};
  return to.add(std::move(job), queue);
}

result<> add_position(dump_members& from, bulk_load& to) {
  kept_position position;
  position.source = {from.text("producer"), from.text("kind")};
  if (position.source.producer.empty()) from.note("producer");
  if (position.source.kind.empty()) from.note("kind");
  position.at = {static_cast<std::uint64_t>(from.at_least_zero("place")),
                 static_cast<std::uint64_t>(from.number<std::int64_t>("checksum")),
                 static_cast<std::uint64_t>(from.at_least_zero("bodies"))};
  return from.wrong().empty() ? to.add_position(std::move(position)) : result<>{};
}

engine::kept_group group_of(dump_members& from) {
  engine::kept_group made{.group = engine::group_id{static_cast<std::uint64_t>(from.at_least_zero("group"))},
                          .facts = {.name = from.text("name"),
                                    .outcome_queue = from.text_if_any("outcome_queue"),
                                    .state = from.word<engine::group_state>("state", group_state_words),
                                    .ends_with = from.word<engine::group_end>("ends_with", group_end_words),
                                    .remaining = from.word<engine::remaining_members>("remaining", remaining_words),
                                    .opened_at = instant{duration{from.number<std::int64_t>("opened_at_ns")}},
                                    .members = from.number_if_any<std::uint32_t>("members"),
                                    .ended = from.number_if_any<std::uint32_t>("ended"),
                                    .succeeded = from.number_if_any<std::uint32_t>("succeeded"),
                                    .outcome_put = from.flag_if_any("outcome_put")},
                          .ended = {}};
  made.facts.outer = engine::group_id{static_cast<std::uint64_t>(from.at_least_zero_if_any("outer_group"))};
  made.facts.outer_place = from.number_if_any<std::uint32_t>("outer_place");
  if (!made.group) from.note("group");
  return made;
}

result<> add_pause(dump_members& from, bulk_load& to) {
  const auto queue = from.text("paused");
  if (queue.empty()) from.note("paused");
  const auto until = from.time_if_any("until_ns", never);
  const duration length{from.at_least_zero("length_ns")};
  return from.wrong().empty() ? to.pause(queue, until, length) : result<>{};
}

result<> add_member(dump_members& from, bulk_load& to) {
  const engine::group_id group{static_cast<std::uint64_t>(from.at_least_zero("member_of"))};
  const auto place = from.number<std::uint32_t>("place");
  engine::group_member member{.job = job_id{static_cast<std::uint64_t>(from.at_least_zero("job"))},
                              .result = from.named<engine::outcome>("outcome", engine::outcome_count),
                              .text = from.text_if_any("text"),
                              .is_cut = from.flag_if_any("is_cut")};
  return from.wrong().empty() ? to.add_member(group, place, std::move(member)) : result<>{};
}

result<> add_action(dump_members& from, bulk_load& to) {
  const auto number = static_cast<std::uint64_t>(from.at_least_zero("action"));
  auto description = from.text("description");
  return from.wrong().empty() ? to.add_action(number, std::move(description)) : result<>{};
}

result<> add_line(dump_members& from, bulk_load& to) {
  if (from.has("id")) return add_job(from, to);
  if (from.has("ids_up_to")) {
    const auto up_to = from.number<std::uint64_t>("ids_up_to");
    return from.wrong().empty() ? to.mark_ids(up_to) : result<>{};
  }
  if (from.has("groups_up_to")) {
    to.mark_group_ids(static_cast<std::uint64_t>(from.at_least_zero("groups_up_to")));
    return {};
  }
  if (from.has("paused") || from.has("paused_base64")) return add_pause(from, to);
  if (from.has("producer") || from.has("producer_base64")) return add_position(from, to);
  if (from.has("member_of")) return add_member(from, to);
  if (from.has("group")) {
    auto group = group_of(from);
    return from.wrong().empty() ? to.add_group(std::move(group)) : result<>{};
  }
  if (from.has("action")) return add_action(from, to);
  return add_job(from, to);  // which says what is missing
}

result<> add_object(const json::object& object, bulk_load& to) {
  dump_members from{object};
  const auto done = add_line(from, to);
  if (!from.wrong().empty()) return invalid("its '" + from.wrong() + "' is missing or means nothing");
  return done;
}

/// The lines of one dump, in order, on their way into a directory.
class dump_lines {
 public:
  dump_lines(bulk_load& to, completeness wanted) : to_{to}, is_optional_{wanted == completeness::optional} {}

  /// `is_cut`: no newline follows.
  result<> add(const std::string& line, bool is_cut) {
    ++number_;
    if (line.empty()) return {};
    if (ended_) return about_line("it comes after the end of the dump");
    json::error_code wrong;
    const auto value = json::parse(json::string_view{line.data(), line.size()}, wrong);
    if (wrong || !value.is_object()) {
      if (!is_cut) return about_line("it is no JSON object");
      is_cut_ = true;
      return {};
    }
    if (value.get_object().contains("lines")) return end(value.get_object());
    if (const auto added = add_object(value.get_object(), to_); !added)
      return error{added.error().code, "line " + std::to_string(number_) + ": " + added.error().text};
    seal_.add(line);
    last_ = number_;
    const auto* const id = value.get_object().if_contains("id");
    last_job_ = id != nullptr ? json::serialize(*id) : std::string{};
    return {};
  }

  /// What was accepted though it is not complete; empty if it is.
  result<std::string> finish() {
    if (ended_) return std::move(remark_);
    std::string last = "no line";
    if (last_ > 0) last = "line " + std::to_string(last_);
    if (!last_job_.empty()) last += " (job " + last_job_ + ")";
    const std::string fault =
        is_cut_ ? "the dump is cut within line " + std::to_string(number_) + "; the last whole one is " + last
                : "the dump ends after " + last + ", without the line that counts and hashes the others";
    if (is_optional_) return fault;
    return invalid(fault + "; --partial restores what is there");
  }

 private:
  result<> end(const json::object& object) {
    dump_members from{object};
    const auto lines = from.number<std::uint64_t>("lines");
    const auto hex = from.text("xxh3");
    if (!from.wrong().empty()) return about_line("its '" + from.wrong() + "' is missing or means nothing");
    ended_ = true;
    if (lines == seal_.lines() && hex == seal_.hex()) return {};
    remark_ = lines != seal_.lines() ? "the dump had " + std::to_string(lines) +
                                           " lines before its last one, here are " + std::to_string(seal_.lines())
                                     : std::string{"the lines of the dump were changed: their hash differs"};
    if (is_optional_) return {};
    return invalid(remark_ + "; --partial restores what is there");
  }

  error about_line(const std::string& text) const { return invalid("line " + std::to_string(number_) + ": " + text); }

  bulk_load& to_;
  const bool is_optional_;
  dump_seal seal_;
  std::uint64_t number_{0};  ///< of the line at hand
  std::uint64_t last_{0};    ///< the last line that was added
  std::string last_job_;     ///< its id, if it is a job's
  bool ended_{false};
  bool is_cut_{false};
  std::string remark_;
};

}  // namespace

result<restored> restore(const data_directory& into, std::istream& lines, completeness wanted) {
  auto filled = bulk_load::begin(into);
  if (!filled) return filled.error();
  dump_lines from{*filled, wanted};
  std::string line;
  while (std::getline(lines, line)) {
    if (const auto added = from.add(line, lines.eof()); !added) return added.error();
  }
  if (lines.bad()) return error{errc::io, "the lines cannot be read to their end"};
  auto remark = from.finish();
  if (!remark) return remark.error();
  if (!remark->empty()) filled->cut_group();
  if (const auto safe = filled->finish(); !safe) return safe.error();
  return restored{filled->jobs(), std::move(*remark)};
}

}  // namespace millrace::store
