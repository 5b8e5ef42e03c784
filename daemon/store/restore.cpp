// The way back of a dump.
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "store/base64.hpp"
#include "store/bulk_load.hpp"
#include "store/dump.hpp"
#include "store/dump_words.hpp"

namespace millrace::store {

namespace {

namespace json = boost::json;

/// The members of one line. The first that is missing or means nothing is noted, and found at the end.
class members {
 public:
  explicit members(const json::object& object) : object_{object} {}

  template <class Number>
  Number number(const char* name) {
    const auto* const member = object_.if_contains(name);
    json::error_code wrong;
    const auto value = member != nullptr ? member->to_number<Number>(wrong) : Number{};
    if (member == nullptr || wrong) note(name);
    return value;
  }
  std::int64_t at_least_zero(const char* name) {
    const auto value = number<std::int64_t>(name);
    if (value < 0) note(name);
    return value;
  }
  std::string text(const std::string& name) {
    if (const auto* const plain = object_.if_contains(name); plain != nullptr && plain->is_string()) {
      return {plain->get_string().data(), plain->get_string().size()};
    }
    const auto* const coded = object_.if_contains(name + "_base64");
    if (coded != nullptr && coded->is_string()) {
      if (auto bytes = from_base64({coded->get_string().data(), coded->get_string().size()})) return std::move(*bytes);
    }
    note(name);
    return {};
  }
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }
  void note(const std::string& name) {
    if (wrong_.empty()) wrong_ = name;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const json::object& object_;
  std::string wrong_;
};

std::optional<engine::job_state> state_of(std::string_view word) {
  for (const auto state : {engine::job_state::ready, engine::job_state::delayed, engine::job_state::buried})
    if (word == dump_words[static_cast<std::size_t>(state)]) return state;
  return std::nullopt;
}

result<> add_job(members& from, bulk_load& to) {
  engine::kept_job job;
  job.job = job_id{from.number<std::uint64_t>("id")};
  const auto queue = from.text("queue");
  if (queue.empty()) from.note("queue");
  const auto state = state_of(from.text("state"));
  if (!state) from.note("state");
  job.state = state.value_or(engine::job_state::ready);
  job.request.priority = from.number<std::uint32_t>("priority");
  job.put_at = instant{duration{from.number<std::int64_t>("put_at_ns")}};
  if (job.state == engine::job_state::delayed) job.due = instant{duration{from.number<std::int64_t>("due_ns")}};
  job.request.ttr = duration{from.at_least_zero("ttr_ns")};
  job.request.delay = duration{from.at_least_zero("delay_ns")};
  job.tally = {.reserves = from.number<std::uint32_t>("reserves"),
               .timeouts = from.number<std::uint32_t>("timeouts"),
               .releases = from.number<std::uint32_t>("releases"),
               .buries = from.number<std::uint32_t>("buries"),
               .kicks = from.number<std::uint32_t>("kicks"),
               // Dumps of older versions do not have it.
               .failures = from.has("failures") ? from.number<std::uint32_t>("failures") : 0};
  job.error_text = from.text("error");
  job.request.content = body{from.text("body")};
  if (!from.wrong().empty()) return {};
  return to.add(std::move(job), queue);
}

result<> add_position(members& from, bulk_load& to) {
  kept_position position;
  position.source = {from.text("producer"), from.text("kind")};
  if (position.source.producer.empty()) from.note("producer");
  if (position.source.kind.empty()) from.note("kind");
  position.at = {static_cast<std::uint64_t>(from.at_least_zero("place")),
                 static_cast<std::uint64_t>(from.number<std::int64_t>("checksum")),
                 static_cast<std::uint64_t>(from.at_least_zero("bodies"))};
  return from.wrong().empty() ? to.add_position(std::move(position)) : result<>{};
}

result<> add_object(const json::object& object, bulk_load& to) {
  members from{object};
  result<> done{};
  if (from.has("ids_up_to")) {
    const auto up_to = from.number<std::uint64_t>("ids_up_to");
    if (from.wrong().empty()) done = to.mark_ids(up_to);
  } else if (from.has("paused") || from.has("paused_base64")) {
    const auto queue = from.text("paused");
    if (queue.empty()) from.note("paused");
    const auto until = from.has("until_ns") ? instant{duration{from.number<std::int64_t>("until_ns")}} : never;
    const duration length{from.at_least_zero("length_ns")};
    if (from.wrong().empty()) done = to.pause(queue, until, length);
  } else if (from.has("producer") || from.has("producer_base64")) {
    done = add_position(from, to);
  } else {
    done = add_job(from, to);
  }
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
    members from{object};
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
  if (const auto safe = filled->finish(); !safe) return safe.error();
  return restored{filled->jobs(), std::move(*remark)};
}

}  // namespace millrace::store
