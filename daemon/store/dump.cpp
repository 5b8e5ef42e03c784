#include "store/dump.hpp"

#include <boost/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/utf8.hpp"
#include "store/base64.hpp"
#include "store/dump_words.hpp"
#include "store/reader.hpp"

namespace millrace::store {

namespace {

namespace json = boost::json;

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
  made["state"] = dump_words[static_cast<std::size_t>(job.state)];
  made["priority"] = job.request.priority;
  made["put_at_ns"] = wall_ns(job.put_at);
  if (job.state == engine::job_state::delayed) made["due_ns"] = wall_ns(job.due);
  made["ttr_ns"] = job.request.ttr.count();
  made["delay_ns"] = job.request.delay.count();
  made["reserves"] = job.tally.reserves;
  made["timeouts"] = job.tally.timeouts;
  made["releases"] = job.tally.releases;
  made["buries"] = job.tally.buries;
  made["kicks"] = job.tally.kicks;
  made["failures"] = job.tally.failures;
  add_text(made, "error", job.error_text);
  add_text(made, "body", job.request.content.view());
  return made;
}

json::object object_of(const kept_position& position) {
  json::object made;
  add_text(made, "producer", position.source.producer);
  add_text(made, "kind", position.source.kind);
  made["place"] = position.at.place;
  made["checksum"] = static_cast<std::int64_t>(position.at.checksum);  // as it stands in the file
  made["bodies"] = position.at.bodies;
  return made;
}

using line_sink = std::function<result<>(std::string_view line)>;

/// The lines that are written, with the seal that they get at the end.
class sealed_lines {
 public:
  explicit sealed_lines(const line_sink& sink) : sink_{sink} {}
  result<> operator()(const json::object& object) {
    const auto text = json::serialize(object);
    seal_.add(text);
    return sink_(text);
  }
  result<> end() { return sink_(json::serialize(json::object{{"lines", seal_.lines()}, {"xxh3", seal_.hex()}})); }

 private:
  const line_sink& sink_;
  dump_seal seal_;
};

using queue_names = std::unordered_map<queue_number, std::string>;

/// The pauses; `names` gets all queues.
result<> dump_queues(const data_directory& directory, sqlite::connection& data, queue_names& names,
                     sealed_lines& line) {
  queue_cursor rows{data, of_the_wall};
  for (kept_queue queue;;) {
    const auto step = rows.next(queue);
    if (!step) return damage(directory, step.error());
    if (*step == cursor_step::end) return {};
    names[queue.number] = queue.name;
    if (!queue.paused) continue;
    json::object pause;
    add_text(pause, "paused", queue.name);
    if (queue.paused_until != never) pause["until_ns"] = wall_ns(queue.paused_until);
    pause["length_ns"] = queue.paused_for.count();
    if (const auto said = line(pause); !said) return said;
  }
}

result<> dump_positions(const data_directory& directory, sqlite::connection& data, sealed_lines& line) {
  result<> said{};
  const auto read = each_position(data, [&](kept_position&& position) {
    if (said) said = line(object_of(position));
  });
  return read ? said : damage(directory, read.error());
}

result<> dump_jobs(const data_directory& directory, sqlite::connection& data, const queue_names& names,
                   sealed_lines& line) {
  known_queues numbers;
  for (const auto& [number, name] : names) numbers.insert(number);
  job_cursor rows{data, of_the_wall};
  for (job_row row;;) {
    const auto step = rows.next(numbers, row);
    if (!step) return damage(directory, step.error());
    if (*step == cursor_step::end) return {};
    if (*step == cursor_step::skipped) continue;
    const auto said = line(object_of(row.job, names.find(row.queue)->second));
    if (!said) return said;
  }
}

}  // namespace

result<> dump(const data_directory& directory, const line_sink& sink) {
  sealed_lines line{sink};
  auto data = open_data_file(directory, nullptr);
  if (!data) return data.error();
  const auto mark = read_id_mark(*data);
  if (!mark) return damage(directory, mark.error());
  if (const auto said = line({{"ids_up_to", *mark}}); !said) return said.error();
  queue_names names;
  if (const auto done = dump_queues(directory, *data, names, line); !done) return done;
  if (const auto done = dump_positions(directory, *data, line); !done) return done;
  if (const auto done = dump_jobs(directory, *data, names, line); !done) return done;
  return line.end();
}

}  // namespace millrace::store
