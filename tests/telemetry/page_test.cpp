#include "telemetry/page.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"
#include "support/looked_at.hpp"

using namespace millrace;
using testing::looked_at;

namespace {

using text = std::shared_ptr<const std::string>;

/// Runs one coroutine over a page and what it looks at, to the end of the loop.
template <class Story>
void tell(Story story) {
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  looked_at it{loop};
  tasks.spawn("story", story(it, tasks));
  loop.run();
  REQUIRE(tasks.size() == 0);
}

loop::awaitable<> scrape_into(looked_at& it, result<text>& into) { into = co_await it.page.scrape(); }

bool contains(const result<text>& page, std::string_view what) {
  return page && (*page)->find(what) != std::string::npos;
}

loop::awaitable<> one_scrape(looked_at& it, loop::task_scope&) {
  it.broker.declare("numbers", {}).value();
  network::listener_counts door;
  door.protocol_errors.emplace_back("bad_request", counter{});
  it.page.add_door("http", door);
  const auto page = co_await it.page.scrape();
  CHECK(contains(page, "\nmillrace_queue_jobs{queue=\"numbers\",state=\"ready\"} 0\n"));
  CHECK(contains(page, "\nmillrace_offload_workers{pool=\"threads\"} 1\n"));
  CHECK(contains(page, "\nmillrace_connections{protocol=\"http\"} 0\n"));
  CHECK(contains(page, "\nmillrace_protocol_errors_total{protocol=\"http\",code=\"bad_request\"} 0\n"));
  CHECK(contains(page, "\nmillrace_build_info{version=\"1.2.3\"} 1\n"));
  CHECK(contains(page, "\nmillrace_loop_stalls_total{task=\"__other__\"} 0\n"));
  CHECK(contains(page, "\nprocess_resident_memory_bytes "));
  CHECK(contains(page, "\nmillrace_backpressure_active{stage=\"producer\"} 0\n"));
  if (page) CHECK(testing::promtool_says(**page) == "");
  co_await looked_at::close(it);
}

loop::awaitable<> fresh_scrapes(looked_at& it, loop::task_scope&) {
  const auto queue = it.broker.declare("numbers", {}).value();
  const auto session = it.broker.open_session();
  for (int i = 1; i <= 5; ++i) {
    static_cast<void>(it.broker.try_put(session, queue, {.content = body{"1"}}));
    const auto page = co_await it.page.scrape();
    CHECK(contains(page, "\nmillrace_jobs_put_total{queue=\"numbers\"} " + std::to_string(i) + "\n"));
  }
  co_await it.broker.close_session(session);
  co_await looked_at::close(it);
}

loop::awaitable<> shared_scrapes(looked_at& it, loop::task_scope& tasks) {
  std::vector<result<text>> pages(50, error{});
  loop::task_scope scrapers{it.loop};
  for (auto& page : pages) scrapers.spawn("scraper", scrape_into(it, page));
  co_await scrapers.join();
  std::set<text> different;
  for (auto& page : pages) {
    CHECK(page.has_value());
    if (page) different.insert(*page);
  }
  CHECK(different.size() == 1);
  CHECK(tasks.size() == 1);
  co_await looked_at::close(it);
}

loop::awaitable<> cancel(looked_at& it, task_id which) {
  it.loop.cancel(which);
  co_return;
}

loop::awaitable<> impatient_scraper(looked_at& it, loop::task_scope&) {
  loop::task_scope scrapers{it.loop};
  result<text> never_made{error{errc::invalid, "untouched"}}, made{error{}};
  const auto impatient = scrapers.spawn("impatient", scrape_into(it, never_made));
  scrapers.spawn("patient", scrape_into(it, made));
  scrapers.spawn("canceller", cancel(it, impatient));  // runs when both wait
  co_await scrapers.join();
  CHECK(made.has_value());
  CHECK_FALSE(never_made.has_value());
  co_await looked_at::close(it);
}

loop::awaitable<> slow_senders(looked_at& it, loop::task_scope&) {
  std::vector<text> being_sent;
  for (std::size_t i = 0; i < telemetry::page::pages_alive_max; ++i) {
    const auto page = co_await it.page.scrape();
    being_sent.push_back(*page);
  }
  CHECK(std::set<text>(being_sent.begin(), being_sent.end()).size() == being_sent.size());
  {
    const auto page = co_await it.page.scrape();
    CHECK(*page == being_sent.back());
  }
  being_sent.erase(being_sent.begin());
  const auto page = co_await it.page.scrape();
  CHECK(*page != being_sent.back());
  co_await looked_at::close(it);
}

loop::awaitable<> after_the_end(looked_at& it, loop::task_scope&) {
  loop::task_scope scrapers{it.loop};
  result<text> waiting{error{errc::invalid, "untouched"}};
  scrapers.spawn("scraper", scrape_into(it, waiting));
  scrapers.spawn("closer", looked_at::close(it));  // runs when the scraper waits
  co_await scrapers.join();
  CHECK(!waiting.has_value());
  if (!waiting) CHECK(waiting.error().code == errc::refused);
  const auto late = co_await it.page.scrape();
  CHECK(!late.has_value());
  if (!late) CHECK(late.error().code == errc::refused);
}

}  // namespace

TEST_CASE("a page shows everything it looks at, and promtool is silent") { tell(one_scrape); }
TEST_CASE("each scrape shows what was counted before it") { tell(fresh_scrapes); }
TEST_CASE("scrapes that come together share one page") { tell(shared_scrapes); }
TEST_CASE("a scraper that goes takes nobody's page with it") { tell(impatient_scraper); }
TEST_CASE("while many pages are being sent, further scrapes share the youngest") { tell(slow_senders); }
TEST_CASE("after the end scrapes are refused, those that wait too") { tell(after_the_end); }
