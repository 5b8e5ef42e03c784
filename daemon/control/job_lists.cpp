#include "control/job_lists.hpp"

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <millrace/loop/deadline.hpp>

#include "control/body_peek.hpp"
#include "control/change_request.hpp"
#include "control/job_json.hpp"
#include "control/queues.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

/// Lists that are remembered before those are looked for whose cursors are gone.
constexpr std::size_t lists_max = 1'024;

refusal cursor_gone() {
  return {410, "cursor_gone", "The cursor was forgotten, or its page is over; begin the list again.", "query.cursor"};
}

template <class Number>
bool take_number(std::string_view& text, Number& into, int base) {
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  if (failure != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

bool take_dash(std::string_view& text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

job_lists::job_lists(const context& context) : context_{context} {
  std::random_device random;
  constexpr std::string_view digits = "0123456789abcdef";
  for (int n = 0; n < 8; ++n) daemon_ += digits[random() % digits.size()];
}

std::string job_lists::text_of(const token& named) const {
  return daemon_ + "-" + std::to_string(named.cursor.value()) + "-" + std::to_string(named.page);
}

std::optional<job_lists::token> job_lists::parse(std::string_view text) const {
  if (!text.starts_with(daemon_)) return std::nullopt;
  text.remove_prefix(daemon_.size());
  std::uint64_t cursor = 0;
  std::uint32_t page = 0;
  if (!take_dash(text) || !take_number(text, cursor, 10) || !take_dash(text) || !take_number(text, page, 10) ||
      !text.empty())
    return std::nullopt;
  return token{engine::cursor_id{cursor}, page};
}

void job_lists::forget_gone_lists() {
  std::erase_if(
      lists_, [&](const auto& each) { return !each.second.busy && !context_.broker.engine().has_cursor(each.first); });
}

checked<job_lists::page_request> job_lists::begin_list(const query& options, queue_id queue) {
  const auto selection = selection_of(options);
  if (!selection) return selection.error();
  const auto with_body = options.flag("body");
  if (!with_body) return with_body.error();
  if (lists_.size() >= lists_max) forget_gone_lists();
  const auto state = selection->states.front();
  const auto opened = context_.broker.open_cursor(queue, state, engine::cursor_owner::nobody);
  if (!opened) return refusal{404, "no_such_queue", "The queue is gone.", "path"};
  lists_[*opened] = {
      .queue = queue, .state = state, .filter = selection->filter_at(context_.loop.now()), .with_body = *with_body};
  return page_request{.at = {*opened, 1}};
}

checked<job_lists::page_request> job_lists::go_on(const std::string& text, queue_id queue) {
  const auto at = parse(text);
  const auto found = at ? lists_.find(at->cursor) : lists_.end();
  if (found == lists_.end() || found->second.queue != queue) return cursor_gone();
  if (found->second.busy)
    return refusal{409, "cursor_in_use", "Another request reads a page with this cursor.", "query.cursor"};
  return page_request{.at = *at};
}

checked<job_lists::page_request> job_lists::begin(const http::request& request) {
  const std::string_view words = request.query;
  const bool goes_on = words.starts_with("cursor=") || words.find("&cursor=") != std::string_view::npos;
  // The cursor knows what is listed.
  const auto options = query::of(request, goes_on ? "cursor limit" : "limit body " + std::string{selection_keys});
  if (!options) return options.error();
  const auto limit = options->number("limit", 1, jobs_max, jobs_by_default);
  if (!limit) return limit.error();
  const auto queue = queue_of(context_, request);
  if (!queue) return queue.error();
  const auto* const cursor = options->find("cursor");
  auto begun = cursor == nullptr ? begin_list(*options, *queue) : go_on(*cursor, *queue);
  if (!begun) return begun;
  begun->limit = *limit;
  switch (context_.broker.begin_page(begun->at.cursor, begun->at.page)) {
    case engine::page_status::begun:
      return begun;
    case engine::page_status::repeated:
      // All that the page had, whatever limit it was read with.
      begun->limit = jobs_max;
      begun->repeats = true;
      return begun;
    case engine::page_status::over:
    case engine::page_status::gone:
      break;
  }
  return cursor_gone();
}

loop::awaitable<http::response> job_lists::page(http::request request) {
  if (context_.readiness.phase() != http::phase::draining) {
    if (const auto refused = not_running(context_)) co_return refuse(*refused);
  }
  const auto begun = begin(request);
  if (!begun) co_return refuse(begun.error());
  const auto cursor = begun->at.cursor;
  /// Lets other requests have the list again, also when this one is cancelled.
  struct busy_mark {
    job_lists& lists;
    engine::cursor_id cursor;
    ~busy_mark() {
      if (const auto found = lists.lists_.find(cursor); found != lists.lists_.end()) found->second.busy = false;
    }
  };
  lists_.at(cursor).busy = true;
  const busy_mark mark{*this, cursor};
  auto reading = read(*begun, lists_.at(cursor));
  co_return co_await std::move(reading);
}

loop::awaitable<http::response> job_lists::read(page_request wanted, list& read_list) {
  auto& broker = context_.broker;
  const auto until = after(context_.loop.refresh_now(), search_time_max);
  const auto [cursor, page] = wanted.at;
  const auto filter = read_list.filter;
  const auto levels = broker.engine().levels(read_list.queue);
  const auto in_state = count_in(levels, read_list.state);
  const bool with_body = read_list.with_body;
  body_peek peek{context_};
  json::array shown;
  std::uint64_t seen = 0;
  std::size_t body_bytes = 0;
  engine::walk_step step;
  broker::receipt known{};
  std::vector<engine::job_facts> found;
  for (;;) {
    found.clear();
    // With bodies one at a time, so that the page can end after each.
    const auto most = with_body ? 1 : wanted.limit - shown.size();
    auto walked = broker.find_jobs(cursor, filter, most, found);
    step = walked.answer;
    known = later_of(known, walked.durable_with);
    if (step.is_gone) co_return refuse(cursor_gone());
    seen += step.seen;
    for (const auto& job : found) {
      auto described = describe_job(context_, job);
      if (with_body) {
        std::optional<body> content = job.content;
        if (job.content_on_disk) {
          auto reading = peek.read(job.job);
          content = co_await std::move(reading);
        }
        if (content) {
          add_body(described, content->view(), body_bytes_max);
          body_bytes += std::min<std::size_t>(content->size(), body_bytes_max);
        }
      }
      shown.push_back(std::move(described));
    }
    if (step.body_needed) {
      auto reading = peek.read(step.body_needed);
      const auto content = co_await std::move(reading);
      broker.decide_body(cursor, step.body_needed, content && has_text(*content, filter));
    }
    if (step.is_end || shown.size() >= wanted.limit) break;
    // A page that is repeated is as long as it was.
    if (!wanted.repeats && (body_bytes >= page_body_bytes_max || context_.loop.refresh_now() >= until)) break;
    co_await loop::yield(context_.loop);
  }
  json::object content{{"jobs", std::move(shown)}, {"seen", seen}, {"total", in_state}};
  json::value next;
  if (step.has_next) {
    next = text_of({cursor, page + 1});
  } else if (page == 1) {
    // There is no token for the first page.
    broker.close_cursor(cursor);
    lists_.erase(cursor);
  }
  content["next_cursor"] = next;
  auto answering = when_durable(broker, known, json_answer(200, content));
  co_return co_await std::move(answering);
}

void add_job_lists(http::routes& routes, job_lists& lists) {
  routes.add(http::method::get, "/v1/queues/{name}/jobs", "the jobs of a queue in one state, a page at a time",
             [&lists](http::request request) { return lists.page(std::move(request)); });
}

}  // namespace millrace::control
