#include "beanstalk/statistics.hpp"

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("each start has an id of its own, of 16 hex digits, the first a letter") {
  const auto one = beanstalk::new_server_id();
  CHECK(one.size() == 16);
  CHECK(one.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(std::string_view{"abcdef"}.find(one.front()) != std::string_view::npos);
  CHECK(one != beanstalk::new_server_id());
}

TEST_CASE("a job's statistics: whole seconds, rounded down, none where nothing runs") {
  const instant now{seconds{1'000}};
  engine::job_facts job;
  job.job = job_id{7};
  job.state = engine::job_state::reserved;
  job.priority = 5;
  job.put_at = now - milliseconds{2'900};
  job.delay = seconds{3};
  job.ttr = seconds{60};
  job.due = now + milliseconds{59'999};
  job.reserves = 2;
  job.timeouts = 1;
  CHECK(beanstalk::stats_of_job(job, "a tube", now).text() ==
        "---\nid: 7\ntube: a tube\nstate: reserved\npri: 5\nage: 2\ndelay: 3\nttr: 60\ntime-left: 59\nfile: 0\n"
        "reserves: 2\ntimeouts: 1\nreleases: 0\nburies: 0\nkicks: 0\n");
  job.state = engine::job_state::buried;
  job.due = never;
  job.failures = 2;
  job.error_text = "bad: \"input\"";
  CHECK(beanstalk::stats_of_job(job, "t", now)
            .text()
            .ends_with("kicks: 0\nfailures: 2\nlast-error: \"bad: \\\"input\\\"\"\n"));
  CHECK(beanstalk::stats_of_job(job, "t", now).text().find("time-left: 0\n") != std::string::npos);
}

TEST_CASE("stats-tube shows no pause after its end") {
  const instant now{seconds{1'000}};
  engine::queue_counts counts;
  engine::queue_levels levels;
  levels.paused_for = seconds{10};
  levels.paused_until = now + milliseconds{2'500};
  const std::string paused{beanstalk::stats_of_tube("q", levels, counts, now).text()};
  CHECK(paused.find("pause: 10\npause-time-left: 2\n") != std::string::npos);
  levels.paused_until = instant{};
  const std::string over{beanstalk::stats_of_tube("q", levels, counts, now).text()};
  CHECK(over.find("pause: 0\npause-time-left: 0\n") != std::string::npos);
}
