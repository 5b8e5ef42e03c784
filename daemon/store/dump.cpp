#include "store/dump.hpp"

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "store/filling.hpp"
#include "store/plain_text.hpp"
#include "store/reader.hpp"

namespace millrace::store {

namespace {

namespace json = boost::json;

constexpr const char* words[]{"ready", "reserved", "delayed", "buried"};  // in the order of engine::job_state

/// With an offset of zero, instants are times of the wall.
constexpr duration of_the_wall{0};
std::int64_t wall_ns(instant when) { return when.time_since_epoch().count(); }

void add_text(json::object& to, const std::string& name, std::string_view bytes) {
  if (is_utf8(bytes)) {
    to[name] = json::string_view{bytes.data(), bytes.size()};
  } else {
    to[name + "_base64"] = to_base64(bytes);
  }
}

json::object object_of(const engine::kept_job& job, const std::string& queue) {
  json::object made{{"id", job.job.value()}};
  add_text(made, "queue", queue);
  made["state"] = words[static_cast<std::size_t>(job.state)];
  made["priority"] = job.what.urgency;
  made["put_at_ns"] = wall_ns(job.put_at);
  if (job.state == engine::job_state::delayed) made["due_ns"] = wall_ns(job.due);
  made["ttr_ns"] = job.what.ttr.count();
  made["delay_ns"] = job.what.delay.count();
  made["reserves"] = job.tally.reserves;
  made["timeouts"] = job.tally.timeouts;
  made["releases"] = job.tally.releases;
  made["buries"] = job.tally.buries;
  made["kicks"] = job.tally.kicks;
  add_text(made, "error", job.error_text);
  add_text(made, "body", job.what.content.view());
  return made;
}

/// The members of one line. The first that is missing or means nothing is noted, and found at the end.
class members {
 public:
  explicit members(const json::object& in) : in_{in} {}

  template <class Number>
  Number number(const char* name) {
    const auto* const it = in_.if_contains(name);
    json::error_code wrong;
    const auto value = it != nullptr ? it->to_number<Number>(wrong) : Number{};
    if (it == nullptr || wrong) note(name);
    return value;
  }
  std::int64_t at_least_zero(const char* name) {
    const auto value = number<std::int64_t>(name);
    if (value < 0) note(name);
    return value;
  }
  std::string text(const std::string& name) {
    if (const auto* const plain = in_.if_contains(name); plain != nullptr && plain->is_string()) {
      return {plain->get_string().data(), plain->get_string().size()};
    }
    const auto* const coded = in_.if_contains(name + "_base64");
    if (coded != nullptr && coded->is_string()) {
      if (auto bytes = from_base64({coded->get_string().data(), coded->get_string().size()})) return std::move(*bytes);
    }
    note(name);
    return {};
  }
  [[nodiscard]] bool has(const char* name) const { return in_.contains(name); }
  void note(const std::string& name) {
    if (wrong_.empty()) wrong_ = name;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const json::object& in_;
  std::string wrong_;
};

std::optional<engine::job_state> state_of(std::string_view word) {
  for (const auto state : {engine::job_state::ready, engine::job_state::delayed, engine::job_state::buried})
    if (word == words[static_cast<std::size_t>(state)]) return state;
  return std::nullopt;
}

result<> add_job(members& from, filling& to) {
  engine::kept_job job;
  job.job = job_id{from.number<std::uint64_t>("id")};
  const auto queue = from.text("queue");
  if (queue.empty()) from.note("queue");
  const auto state = state_of(from.text("state"));
  if (!state) from.note("state");
  job.state = state.value_or(engine::job_state::ready);
  job.what.urgency = from.number<std::uint32_t>("priority");
  job.put_at = instant{duration{from.number<std::int64_t>("put_at_ns")}};
  if (job.state == engine::job_state::delayed) job.due = instant{duration{from.number<std::int64_t>("due_ns")}};
  job.what.ttr = duration{from.at_least_zero("ttr_ns")};
  job.what.delay = duration{from.at_least_zero("delay_ns")};
  job.tally = {.reserves = from.number<std::uint32_t>("reserves"),
               .timeouts = from.number<std::uint32_t>("timeouts"),
               .releases = from.number<std::uint32_t>("releases"),
               .buries = from.number<std::uint32_t>("buries"),
               .kicks = from.number<std::uint32_t>("kicks")};
  job.error_text = from.text("error");
  job.what.content = body{from.text("body")};
  if (!from.wrong().empty()) return {};
  return to.add(std::move(job), queue);
}

result<> add_line(const std::string& line, filling& to) {
  json::error_code wrong;
  const auto value = json::parse(json::string_view{line.data(), line.size()}, wrong);
  if (wrong || !value.is_object()) return invalid("it is no JSON object");
  members from{value.get_object()};
  result<> done{};
  if (from.has("ids_up_to")) {
    to.mark_ids(static_cast<std::uint64_t>(from.at_least_zero("ids_up_to")));
  } else if (from.has("paused") || from.has("paused_base64")) {
    const auto queue = from.text("paused");
    if (queue.empty()) from.note("paused");
    const auto until = from.has("until_ns") ? instant{duration{from.number<std::int64_t>("until_ns")}} : never;
    const duration length{from.at_least_zero("length_ns")};
    if (from.wrong().empty()) done = to.pause(queue, until, length);
  } else {
    done = add_job(from, to);
  }
  if (!from.wrong().empty()) return invalid("its '" + from.wrong() + "' is missing or means nothing");
  return done;
}

using line_sink = std::function<result<>(std::string_view line)>;
using queue_names = std::unordered_map<queue_number, std::string>;

/// The pauses; `names` gets all queues.
result<> dump_queues(const data_directory& in, sqlite::connection& data, queue_names& names, const line_sink& line) {
  queue_cursor rows{data, of_the_wall};
  for (kept_queue queue;;) {
    const auto step = rows.next(queue);
    if (!step) return damage(in, step.error());
    if (*step == cursor_step::end) return {};
    names[queue.number] = queue.name;
    if (!queue.paused) continue;
    json::object pause;
    add_text(pause, "paused", queue.name);
    if (queue.paused_until != never) pause["until_ns"] = wall_ns(queue.paused_until);
    pause["length_ns"] = queue.paused_for.count();
    if (const auto said = line(json::serialize(pause)); !said) return said;
  }
}

result<> dump_jobs(const data_directory& in, sqlite::connection& data, const queue_names& names,
                   const line_sink& line) {
  known_queues numbers;
  for (const auto& [number, name] : names) numbers.insert(number);
  job_cursor rows{data, of_the_wall};
  for (job_row row;;) {
    const auto step = rows.next(numbers, row);
    if (!step) return damage(in, step.error());
    if (*step == cursor_step::end) return {};
    if (*step == cursor_step::skipped) continue;
    const auto said = line(json::serialize(object_of(row.job, names.find(row.queue)->second)));
    if (!said) return said;
  }
}

}  // namespace

result<> dump(const data_directory& in, const line_sink& line) {
  auto data = open_data_file(in, nullptr);
  if (!data) return data.error();
  const auto mark = read_id_mark(*data);
  if (!mark) return damage(in, mark.error());
  if (const auto said = line(json::serialize(json::object{{"ids_up_to", *mark}})); !said) return said.error();
  queue_names names;
  if (const auto done = dump_queues(in, *data, names, line); !done) return done;
  return dump_jobs(in, *data, names, line);
}

result<std::uint64_t> restore(const data_directory& into, std::istream& lines) {
  auto filled = filling::begin(into);
  if (!filled) return filled.error();
  std::string line;
  for (std::uint64_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    const auto added = add_line(line, *filled);
    if (!added) return error{added.error().code, "line " + std::to_string(number) + ": " + added.error().text};
  }
  if (lines.bad()) return error{errc::io, "the lines cannot be read to their end"};
  if (const auto safe = filled->finish(); !safe) return safe.error();
  return filled->jobs();
}

}  // namespace millrace::store
