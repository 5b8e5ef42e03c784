#include "control/job_json.hpp"

#include <array>
#include <ctime>
#include <string>

#include "base/base64.hpp"
#include "base/utf8.hpp"
#include "control/answers.hpp"
#include "store/wall_clock.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

/// Instants as wall clock time, in UTC with milliseconds (RFC 3339). The wall clock is read once for all of one job.
class wall_times {
 public:
  [[nodiscard]] std::string text_of(instant when) const {
    const auto milliseconds = store::to_disk(when, offset_) / 1'000'000;
    const auto second = static_cast<std::time_t>(milliseconds / 1'000);
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    const auto fraction = std::to_string(milliseconds % 1'000);
    return std::string(text.data(), length) + "." + std::string(3 - fraction.size(), '0') + fraction + "Z";
  }

 private:
  duration offset_{store::read_wall_offset()};
};

void add_text(json::object& shown, std::string_view key, std::string_view text) {
  if (!text.empty()) shown[key] = text;
}

void add_time(json::object& shown, std::string_view key, instant when, const wall_times& wall) {
  if (when != never) shown[key] = wall.text_of(when);
}

}  // namespace

json::object describe_job(const context& context, const engine::job_facts& job) {
  const auto now = context.loop.now();
  const wall_times wall;
  json::object shown{{"id", job.job.value()},
                     {"queue", context.broker.engine().name_of(job.queue)},
                     {"state", engine::name_of(job.state)},
                     {"priority", job.priority},
                     {"bytes", job.bytes},
                     {"put_at", wall.text_of(job.put_at)},
                     {"age", in_seconds(age(job.put_at, now))},
                     {"deliveries", job.reserves},
                     {"failures", job.failures},
                     {"interruptions", job.interruptions}};
  add_text(shown, "error", job.error_text);
  add_text(shown, "origin", job.details.origin);
  if (job.details.cause) shown["reason"] = engine::name_of(*job.details.cause);
  add_time(shown, "first_failure", job.details.first_failure, wall);
  add_time(shown, "last_failure", job.details.last_failure, wall);
  add_time(shown, "expires_at", job.details.expires_at, wall);
  if (job.state == engine::job_state::reserved) {
    if (context.holder_name) add_text(shown, "held_by", context.holder_name(job.holder));
    add_time(shown, "held_since", job.entered_state_at, wall);
    add_time(shown, "lease_until", job.due, wall);
  }
  if (job.state == engine::job_state::delayed) add_time(shown, "due_at", job.due, wall);
  if (job.details.group) shown["group"] = job.details.group.value();
  return shown;
}

void add_body(json::object& shown, std::string_view bytes, std::size_t bytes_max) {
  const auto part = utf8_prefix(bytes, bytes_max);
  shown["body_is_cut"] = bytes.size() > bytes_max;
  if (is_utf8(part))
    shown["body"] = part;
  else
    shown["body_base64"] = to_base64(bytes.substr(0, bytes_max));
}

}  // namespace millrace::control
