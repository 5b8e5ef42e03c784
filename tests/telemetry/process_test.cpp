#include "telemetry/process.hpp"

#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "telemetry/exposition.hpp"
#include "telemetry/system_metrics.hpp"

using namespace millrace;

TEST_CASE("the facts of this process are plausible") {
  const auto facts = telemetry::read_process_facts();
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  CHECK(facts.max_fds == files.rlim_cur);
  CHECK(facts.open_fds >= 3);
  CHECK(facts.threads >= 1);
  CHECK(facts.resident_bytes > 100'000);
  CHECK(facts.virtual_bytes >= facts.resident_bytes);
  CHECK(facts.cpu_seconds >= 0);

  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(facts.start_time_seconds < now + 2);
  CHECK(facts.start_time_seconds > now - 24 * 3'600);
}

TEST_CASE("an open file raises the count of descriptors by one, and a running thread the count of threads") {
  const auto before = telemetry::read_process_facts();
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  telemetry::process_facts during;
  std::thread{[&during] { during = telemetry::read_process_facts(); }}.join();
  CHECK(during.open_fds.value() == before.open_fds.value() + 1);
  CHECK(during.threads.value() == before.threads.value() + 1);
  ::close(file);
  CHECK(telemetry::read_process_facts().open_fds == before.open_fds);
}

TEST_CASE("without /proc, the metrics page has the limit of descriptors, but neither their count nor the start time") {
  const auto facts = telemetry::read_process_facts("/dev/null");
  CHECK_FALSE(facts.open_fds);
  CHECK_FALSE(facts.threads);
  CHECK_FALSE(facts.resident_bytes);
  CHECK_FALSE(facts.virtual_bytes);
  CHECK_FALSE(facts.start_time_seconds);
  CHECK(facts.max_fds);
  CHECK(facts.cpu_seconds);

  telemetry::exposition page{telemetry::shown_buckets{}};
  telemetry::write(page, telemetry::system_copy{}, facts);
  const auto text = std::move(page).text();
  CHECK(text.find("process_open_fds") == std::string::npos);
  CHECK(text.find("process_start_time_seconds") == std::string::npos);
  CHECK(text.find("process_max_fds") != std::string::npos);
}
