#include "telemetry/page.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"
#include "support/page_fixture.hpp"

using namespace millrace;
using testing::page_fixture;

namespace {

using text = std::shared_ptr<const std::string>;

/// Runs one test coroutine over a page until the loop ends.
template <class Story>
void run_story(Story story) {
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  page_fixture fixture{loop};
  tasks.spawn("story", story(fixture, tasks));
  loop.run();
  REQUIRE(tasks.size() == 0);
}

loop::awaitable<> scrape_into(page_fixture& fixture, result<text>& page) { page = co_await fixture.page.scrape(); }

bool contains(const result<text>& page, std::string_view line) {
  return page && (*page)->find(line) != std::string::npos;
}

loop::awaitable<> one_scrape(page_fixture& fixture, loop::task_scope&) {
  fixture.broker.declare("numbers", {}).value();
  network::listener_counts listener;
  listener.protocol_errors.emplace_back("bad_request", counter{});
  fixture.page.add_listener("http", listener);
  const auto page = co_await fixture.page.scrape();
  CHECK(contains(page, "\nmillrace_queue_jobs{queue=\"numbers\",state=\"ready\"} 0\n"));
  CHECK(contains(page, "\nmillrace_offload_workers{pool=\"threads\"} 1\n"));
  CHECK(contains(page, "\nmillrace_connections{protocol=\"http\"} 0\n"));
  CHECK(contains(page, "\nmillrace_protocol_errors_total{protocol=\"http\",code=\"bad_request\"} 0\n"));
  CHECK(contains(page, "\nmillrace_build_info{version=\"1.2.3\"} 1\n"));
  CHECK(contains(page, "\nmillrace_loop_stalls_total{task=\"__other__\"} 0\n"));
  CHECK(contains(page, "\nprocess_resident_memory_bytes "));
  CHECK(contains(page, "\nmillrace_backpressure_active{stage=\"producer\"} 0\n"));
  if (page) CHECK(testing::promtool_says(**page).empty());
  co_await page_fixture::close(fixture);
}

loop::awaitable<> fresh_scrapes(page_fixture& fixture, loop::task_scope&) {
  const auto queue = fixture.broker.declare("numbers", {}).value();
  const auto session = fixture.broker.open_session();
  for (int i = 1; i <= 5; ++i) {
    static_cast<void>(fixture.broker.try_put(session, queue, {.content = body{"1"}}));
    const auto page = co_await fixture.page.scrape();
    CHECK(contains(page, "\nmillrace_jobs_put_total{queue=\"numbers\"} " + std::to_string(i) + "\n"));
  }
  co_await fixture.broker.close_session(session);
  co_await page_fixture::close(fixture);
}

loop::awaitable<> shared_scrapes(page_fixture& fixture, loop::task_scope& tasks) {
  std::vector<result<text>> pages(50, error{});
  loop::task_scope scrapers{fixture.loop};
  for (auto& page : pages) scrapers.spawn("scraper", scrape_into(fixture, page));
  co_await scrapers.join();
  std::set<text> different;
  for (auto& page : pages) {
    CHECK(page.has_value());
    if (page) different.insert(*page);
  }
  CHECK(different.size() == 1);
  CHECK(tasks.size() == 1);
  co_await page_fixture::close(fixture);
}

loop::awaitable<> cancel(page_fixture& fixture, task_id task) {
  fixture.loop.cancel(task);
  co_return;
}

loop::awaitable<> impatient_scraper(page_fixture& fixture, loop::task_scope&) {
  loop::task_scope scrapers{fixture.loop};
  result<text> never_made{error{errc::invalid, "untouched"}}, made{error{}};
  const auto impatient = scrapers.spawn("impatient", scrape_into(fixture, never_made));
  scrapers.spawn("patient", scrape_into(fixture, made));
  scrapers.spawn("canceller", cancel(fixture, impatient));  // runs when both wait
  co_await scrapers.join();
  CHECK(made.has_value());
  CHECK_FALSE(never_made.has_value());
  co_await page_fixture::close(fixture);
}

loop::awaitable<> slow_senders(page_fixture& fixture, loop::task_scope&) {
  std::vector<text> being_sent;
  for (std::size_t i = 0; i < telemetry::page::pages_alive_max; ++i) {
    const auto page = co_await fixture.page.scrape();
    being_sent.push_back(*page);
  }
  CHECK(std::set<text>(being_sent.begin(), being_sent.end()).size() == being_sent.size());
  {
    const auto page = co_await fixture.page.scrape();
    CHECK(*page == being_sent.back());
  }
  being_sent.erase(being_sent.begin());
  const auto page = co_await fixture.page.scrape();
  CHECK(*page != being_sent.back());
  co_await page_fixture::close(fixture);
}

loop::awaitable<> after_the_end(page_fixture& fixture, loop::task_scope&) {
  loop::task_scope scrapers{fixture.loop};
  result<text> waiting{error{errc::invalid, "untouched"}};
  scrapers.spawn("scraper", scrape_into(fixture, waiting));
  scrapers.spawn("closer", page_fixture::close(fixture));  // runs when the scraper waits
  co_await scrapers.join();
  CHECK(!waiting.has_value());
  if (!waiting) CHECK(waiting.error().code == errc::refused);
  const auto late = co_await fixture.page.scrape();
  CHECK(!late.has_value());
  if (!late) CHECK(late.error().code == errc::refused);
}

}  // namespace

TEST_CASE("a page shows all parts of the daemon, and promtool accepts it") { run_story(one_scrape); }
TEST_CASE("each scrape shows what was counted before it") { run_story(fresh_scrapes); }
TEST_CASE("concurrent scrapes share one page") { run_story(shared_scrapes); }
TEST_CASE("a cancelled scrape does not affect the others") { run_story(impatient_scraper); }
TEST_CASE("while many pages are being sent, further scrapes get the newest one") { run_story(slow_senders); }
TEST_CASE("close refuses waiting and later scrapes") { run_story(after_the_end); }
