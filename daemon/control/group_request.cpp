#include "control/group_request.hpp"

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>
#include <millrace/base/quantity.hpp>

#include "base/base64.hpp"
#include "base/queue_name.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

constexpr duration length_max = hours{24 * 3'650};
constexpr std::size_t name_bytes_max = 200;

/// Reads the members of one object and keeps the first error. After an error it goes on: see `failure` at the end.
class members {
 public:
  members(const json::object& from, std::string path) : from_{from}, path_{std::move(path)} {}

  [[nodiscard]] const std::optional<refusal>& failure() const noexcept { return failure_; }
  void refuse(std::string_view key, const std::string& expected) {
    if (!failure_)
      failure_ = refusal{400, "invalid_value", "`" + std::string{key} + "` is not " + expected + ".",
                         path_ + "." + std::string{key}};
  }

  std::optional<std::string> text(std::string_view key, std::size_t bytes_max) {
    const auto* const given = from_.if_contains(key);
    if (given == nullptr) return std::nullopt;
    const auto* const found = given->if_string();
    if (found == nullptr || found->size() > bytes_max) {
      refuse(key, "a text of at most " + std::to_string(bytes_max) + " bytes");
      return std::nullopt;
    }
    return std::string{found->data(), found->size()};
  }
  std::optional<std::string> queue(std::string_view key) {
    auto name = text(key, queue_name_bytes_max);
    if (name && !is_queue_name(*name)) refuse(key, "the name of a queue");
    return name;
  }
  std::optional<std::uint64_t> number(std::string_view key, std::uint64_t most) {
    const auto* const given = from_.if_contains(key);
    if (given == nullptr) return std::nullopt;
    boost::system::error_code error;
    const auto found = given->is_number() ? given->to_number<std::uint64_t>(error) : most + 1;
    if (error || !given->is_number() || found > most) {
      refuse(key, "a number of at most " + std::to_string(most));
      return std::nullopt;
    }
    return found;
  }
  std::optional<duration> length(std::string_view key, duration least) {
    const auto given = text(key, name_bytes_max);
    if (!given) return std::nullopt;
    const auto parsed = parse_duration(*given);
    if (!parsed || *parsed < least || *parsed > length_max) {
      refuse(key, "a duration like 30s or 1h, from " + write_duration(least) + " to " + write_duration(length_max));
      return std::nullopt;
    }
    return *parsed;
  }
  template <class Value, std::size_t N>
  Value word(std::string_view key, const std::array<std::pair<std::string_view, Value>, N>& words) {
    const auto given = text(key, name_bytes_max);
    if (!given) return words.front().second;
    std::string known;
    for (const auto& [word, value] : words) {
      if (*given == word) return value;
      (known += known.empty() ? "" : ", ") += word;
    }
    refuse(key, "one of " + known);
    return words.front().second;
  }

 private:
  const json::object& from_;
  std::string path_;
  std::optional<refusal> failure_;
};

checked<group_put::job> read_job(const json::value& given, const std::string& path, const std::string& queue) {
  if (!given.is_object()) return refusal{400, "invalid_value", "A job is not a JSON object.", path};
  const auto& object = given.get_object();
  for (const auto& member : object) {
    constexpr std::array<std::string_view, 7> known{"queue", "body", "body_base64", "priority",
                                                    "delay", "ttr",  "expire_after"};
    const std::string_view key{member.key().data(), member.key().size()};
    if (std::find(known.begin(), known.end(), key) == known.end())
      return refusal{400, "unknown_key", "A job has no such key.", path};
  }
  members all{object, path};
  group_put::job read{all.queue("queue").value_or(queue), {}};
  if (read.queue.empty()) all.refuse("queue", "given, here or for all jobs");
  auto bytes = all.text("body", body::bytes_max);
  if (const auto encoded = all.text("body_base64", body::bytes_max)) {
    if (bytes) all.refuse("body_base64", "allowed beside `body`");
    bytes = from_base64(*encoded);
    if (!bytes) all.refuse("body_base64", "base64");
  }
  auto& request = read.request;
  request.content = body{bytes.value_or("")};
  request.priority = static_cast<engine::priority>(
      all.number("priority", std::numeric_limits<engine::priority>::max()).value_or(engine::default_priority));
  request.delay = all.length("delay", duration::zero()).value_or(duration::zero());
  request.ttr = all.length("ttr", engine::ttr_min).value_or(engine::default_ttr);
  request.expire_after = all.length("expire_after", milliseconds{1});
  if (all.failure()) return *all.failure();
  return read;
}

}  // namespace

checked<group_put> read_group_put(const http::request& request) {
  const auto body = body_of(request, "name then when remaining outer queue jobs");
  if (!body) return body.error();
  members all{*body, "body"};
  group_put read;
  read.group.name = all.text("name", name_bytes_max).value_or("");
  read.group.outcome_queue = all.queue("then").value_or("");
  read.group.ends_with =
      all.word("when", std::array{std::pair{std::string_view{"all"}, engine::group_end::all},
                                  std::pair{std::string_view{"first"}, engine::group_end::first},
                                  std::pair{std::string_view{"first_failure"}, engine::group_end::first_failure}});
  read.group.remaining =
      all.word("remaining", std::array{std::pair{std::string_view{"keep"}, engine::remaining_members::keep},
                                       std::pair{std::string_view{"cancel"}, engine::remaining_members::cancel}});
  read.group.outer = engine::group_id{all.number("outer", job_id_max.value()).value_or(0)};
  const auto queue = all.queue("queue").value_or("");
  if (all.failure()) return *all.failure();
  const auto* const jobs = body->if_contains("jobs");
  if (jobs == nullptr || !jobs->is_array() || jobs->get_array().empty() || jobs->get_array().size() > group_jobs_max)
    return refusal{400, "invalid_value", "`jobs` is not a list of 1 to " + std::to_string(group_jobs_max) + " jobs.",
                   "body.jobs"};
  for (std::size_t n = 0; n < jobs->get_array().size(); ++n) {
    auto job = read_job(jobs->get_array()[n], "body.jobs[" + std::to_string(n) + "]", queue);
    if (!job) return job.error();
    read.jobs.push_back(std::move(*job));
  }
  return read;
}

}  // namespace millrace::control
