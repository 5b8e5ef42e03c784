#include "service/log_sinks.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::service;

namespace {

const wall_time noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + hours{12} + milliseconds{123}};

const std::vector<log::field> fields{{"producer", "two words"},
                                     {"jobs", 3},
                                     {"share", 0.5},
                                     {"late", true},
                                     {"left", std::uint64_t{18446744073709551615u}}};
const log::record record{log::level::info, "producer_ended", "the producer has ended", fields};

}  // namespace

TEST_CASE("a text record has its event in a column and its fields as key=value") {
  CHECK(render_text(record, noon) ==
        "2026-11-20T12:00:00.123Z info     producer_ended  the producer has ended "
        "producer=\"two words\" jobs=3 share=0.5 late=true left=18446744073709551615\n");
  CHECK(render_text({log::level::warning, "reload", "not\nhere", {}}, noon) ==
        "2026-11-20T12:00:00.123Z warning  reload  not\\nhere\n");
}

TEST_CASE("times before 1970 and whole seconds are written with milliseconds") {
  CHECK(render_text({log::level::error, "e", "s", {}}, wall_time{milliseconds{-1}}).substr(0, 24) ==
        "1969-12-31T23:59:59.999Z");
  CHECK(render_text({log::level::error, "e", "s", {}}, wall_time{}).substr(0, 24) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("a JSON record is one line with the fields as members") {
  CHECK(render_json(record, noon) ==
        R"({"time":"2026-11-20T12:00:00.123Z","level":"info","event":"producer_ended",)"
        R"("message":"the producer has ended",)"
        R"("producer":"two words","jobs":3,"share":0.5,"late":true,"left":18446744073709551615})"
        "\n");
}

TEST_CASE("a journal entry has the text as MESSAGE and a field for each value") {
  const std::string entries = render_journal(record);
  const std::string expected =
      "MESSAGE=the producer has ended producer=\"two words\" jobs=3 share=0.5 late=true left=18446744073709551615|"
      "PRIORITY=6|SYSLOG_IDENTIFIER=millraced|MILLRACE_EVENT=producer_ended|"
      "MILLRACE_PRODUCER=two words|MILLRACE_JOBS=3|MILLRACE_SHARE=0.5|MILLRACE_LATE=true|"
      "MILLRACE_LEFT=18446744073709551615|";
  std::string shown = entries;
  for (char& c : shown) c = c == '\0' ? '|' : c;
  CHECK(shown == expected);
}

TEST_CASE("without a journal that receives entries, the log is text") {
  std::string folder = (std::filesystem::temp_directory_path() / "millrace-journal-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/socket";
  CHECK(effective_format(log_format::journald, path) == log_format::text);

  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const int journal = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(journal, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0);
  CHECK(effective_format(log_format::journald, path) == log_format::journald);
  ::close(journal);
  CHECK(effective_format(log_format::journald, path) == log_format::text);  // the file exists, but nothing receives
  std::filesystem::remove_all(folder);
}

TEST_CASE("the journal is chosen only if standard error goes to it") {
  CHECK(effective_format(log_format::json) == log_format::json);
  ::setenv("JOURNAL_STREAM", "1:2", 1);  // NOLINT(concurrency-mt-unsafe): one thread
  CHECK(effective_format(log_format::automatic) == log_format::text);
  ::unsetenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): one thread
  CHECK(effective_format(log_format::automatic) == log_format::text);
}
