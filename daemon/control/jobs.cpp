#include "control/jobs.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <millrace/loop/wait_point.hpp>

#include "base/utf8.hpp"
#include "control/answers.hpp"
#include "control/change_request.hpp"
#include "store/base64.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

/// Bytes of a body that are shown.
constexpr std::size_t body_bytes_max = 1u << 20;

/// Peeks at one job with a session of its own, which it closes.
class body_peek final : private broker::decision_taker {
 public:
  explicit body_peek(const context& context)
      : broker_{context.broker}, session_{broker_.open_session()}, decided_{context.loop, "a body from disk"} {}
  ~body_peek() {
    if (waiting_) broker_.withdraw(session_);
    // It holds no job, so that one turn is enough.
    broker_.try_close_session(session_);
  }
  body_peek(const body_peek&) = delete;
  body_peek& operator=(const body_peek&) = delete;

  /// nullopt: the job is gone, or its body cannot be read.
  loop::awaitable<std::optional<body>> read(job_id job) {
    auto peeked = broker_.peek(session_, job, *this);
    if (peeked.answer.status == broker::peek_status::not_found) co_return std::nullopt;
    if (peeked.answer.status == broker::peek_status::found) co_return std::move(peeked.answer.job.content);
    waiting_ = true;
    while (waiting_) co_await decided_.wait();
    co_return std::move(content_);
  }

 private:
  void decided(broker::decision&& decision) noexcept override {
    waiting_ = false;
    if (decision.event.type == engine::event::kind::shown) content_ = std::move(decision.event.job.content);
    decided_.wake_all();
  }

  broker::broker& broker_;
  session_id session_;
  loop::wait_point decided_;
  std::optional<body> content_;
  bool waiting_{false};
};

/// Adds `body`, or `body_base64` if it is not UTF-8, and whether it is cut.
void add_body(json::object& shown, std::string_view bytes) {
  const auto part = utf8_prefix(bytes, body_bytes_max);
  shown["body_is_cut"] = bytes.size() > body_bytes_max;
  if (is_utf8(part))
    shown["body"] = part;
  else
    shown["body_base64"] = store::to_base64(bytes.substr(0, body_bytes_max));
}

/// Who has a reserved job, and since when.
json::value holder_of(const context& context, const engine::job_facts& job, instant now) {
  json::value shown;
  if (job.state != engine::job_state::reserved) return shown;
  const auto name = context.holder_name ? context.holder_name(job.holder) : std::string{};
  shown = json::object{
      {"name", text_or_null(name)},
      {"since_seconds", seconds_since(job.entered_state_at, now)},
      {"lease_left_seconds", job.due == never ? json::value(nullptr) : json::value(in_seconds(age(now, job.due)))}};
  return shown;
}

json::object describe(const context& context, const engine::job_facts& job) {
  const auto now = context.loop.now();
  json::value due;
  if (job.state == engine::job_state::delayed) due = in_seconds(age(now, job.due));
  return {{"id", job.job.value()},
          {"queue", context.broker.engine().name_of(job.queue)},
          {"state", engine::name_of(job.state)},
          {"state_seconds", seconds_since(job.entered_state_at, now)},
          {"age_seconds", seconds_since(job.put_at, now)},
          {"due_seconds", due},
          {"priority", job.priority},
          {"delay_seconds", in_seconds(job.delay)},
          {"ttr_seconds", in_seconds(job.ttr)},
          {"bytes", job.bytes},
          {"holder", holder_of(context, job, now)},
          {"history",
           {{"reserves", job.reserves},
            {"timeouts", job.timeouts},
            {"releases", job.releases},
            {"buries", job.buries},
            {"kicks", job.kicks},
            {"failures", job.failures}}},
          {"error", text_or_null(job.error_text)}};
}

refusal no_such_job() { return {404, "no_such_job", "There is no such job.", "path"}; }

loop::awaitable<http::response> show_job(const context& context, http::request request) {
  auto& broker = context.broker;
  if (context.readiness.phase() != http::phase::draining) {
    if (const auto refused = not_running(context)) co_return refuse(*refused);
  }
  const auto options = query::of(request, "body");
  if (!options) co_return refuse(options.error());
  const auto with_body = options->flag("body");
  if (!with_body) co_return refuse(with_body.error());
  const auto& text = request.parameters.at("id");
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || stop != end)
    co_return refuse({400, "invalid_value", "The id of a job is a number.", "path"});
  std::optional<body> content;
  if (*with_body) {
    body_peek peek{context};
    auto reading = peek.read(job_id{number});
    content = co_await std::move(reading);
  }
  auto looked = broker.look(job_id{number});
  if (!looked.answer) co_return refuse(no_such_job());
  auto shown = describe(context, *looked.answer);
  if (*with_body) {
    if (!content) co_return refuse({500, "body_lost", "The body of the job cannot be read from disk.", ""});
    add_body(shown, content->view());
  }
  co_await until_durable(broker, looked.durable_with);
  co_return json_answer(200, shown);
}

}  // namespace

void add_jobs(http::routes& routes, const context& context) {
  routes.add(http::method::get, "/v1/jobs/{id}", "one job",
             [&context](http::request request) { return show_job(context, std::move(request)); });
}

}  // namespace millrace::control
