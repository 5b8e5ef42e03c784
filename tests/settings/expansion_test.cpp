#include "settings/expansion.hpp"

#include <cstdlib>
#include <string>

#include "settings/load.hpp"
#include "settings/print.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

/// The expanded text, or the error.
std::string expand_or_error(std::string_view text) {
  const auto expanded = expand(text);
  return expanded ? *expanded : "error: " + expanded.error().text;
}

/// Sets the environment variables that the tests use.
struct environment {
  environment() {
    ::setenv("HOME", "/home/miller", 1);      // NOLINT(concurrency-mt-unsafe): one thread
    ::setenv("MILL_1", "wheel", 1);           // NOLINT(concurrency-mt-unsafe): one thread
    ::setenv("MILL_EMPTY", "", 1);            // NOLINT(concurrency-mt-unsafe): one thread
    ::setenv("MILL_DOLLAR", "${MILL_1}", 1);  // NOLINT(concurrency-mt-unsafe): one thread
    ::unsetenv("MILL_NONE");                  // NOLINT(concurrency-mt-unsafe): one thread
  }
};

}  // namespace

TEST_CASE("environment variables and the home directory are expanded in paths and addresses") {
  const environment set;
  CHECK(expand_or_error("/var/lib") == "/var/lib");
  CHECK(expand_or_error("${MILL_1}/x${MILL_1}") == "wheel/xwheel");
  CHECK(expand_or_error("a${MILL_EMPTY}b") == "ab");
  CHECK(expand_or_error("${MILL_DOLLAR}") == "${MILL_1}");
  CHECK(expand_or_error("~") == "/home/miller");
  CHECK(expand_or_error("~/data/${MILL_1}") == "/home/miller/data/wheel");
  CHECK(expand_or_error("unix:~/m.sock") == "unix:/home/miller/m.sock");
  CHECK(expand_or_error("${MILL_1}:9464") == "wheel:9464");
  CHECK(expand_or_error("a~b/~") == "a~b/~");
  CHECK(expand_or_error("$HOME $ $$ {MILL_1}") == "$HOME $ $$ {MILL_1}");
  CHECK(expand_or_error("$${MILL_1}/${MILL_1}") == "${MILL_1}/wheel");
}

TEST_CASE("an escaped text is expanded to the same text") {
  const environment set;
  for (const char* const text : {"/a/b", "${MILL_1}", "$${", "${${", "$", "~not/home", "unix:/x/${y}", "a$${b}"}) {
    const auto expanded = expand_or_error(escape(text));
    CHECK((expanded == text || expanded == std::string{"./"} + text));
  }
}

TEST_CASE("an undefined variable or an incomplete name is an error") {
  const environment set;
  CHECK(expand_or_error("${MILL_NONE}/x") == "error: the environment does not define `MILL_NONE`");
  for (const char* const text : {"${", "${MILL_1", "${}", "${1}", "${MILL-1}", "x${a b}"}) {
    CHECK(expand_or_error(text) == "error: `${` is not followed by a name and `}`");
  }
  CHECK(expand_or_error("~miller/x").starts_with("error: `~` is the home directory only before a `/`"));
  ::unsetenv("HOME");  // NOLINT(concurrency-mt-unsafe): one thread
  CHECK(expand_or_error("~/x") == "error: the environment does not define `HOME`");
}

TEST_CASE("paths and addresses of a settings file are expanded before they are checked") {
  const environment set;
  ::setenv("MILL_PORT", "9000", 1);  // NOLINT(concurrency-mt-unsafe): one thread
  const auto read =
      load_text("daemon: { data_dir: '~/${MILL_1}', http: '127.0.0.1:${MILL_PORT}', beanstalk: 'unix:~/b' }", "f",
                test_vocabulary());
  CAPTURE(text_of(read.diagnostics));
  REQUIRE(read.value);
  CHECK(read.value->daemon.data_dir == "/home/miller/wheel");
  CHECK(read.value->daemon.store.data_dir == "/home/miller/wheel");
  CHECK(network::write_address(read.value->daemon.http.value()) == "127.0.0.1:9000");
  CHECK(network::write_address(read.value->daemon.beanstalk.value()) == "unix:/home/miller/b");
}

TEST_CASE("paths of handlers are expanded in steps as well") {
  const environment set;
  const auto read = load_text(
      "queues: { q: {} }\n"
      "consumers:\n"
      "  one: { queue: q, handler: http, url: 'https://x', ca_file: '~/one' }\n"
      "  many: { queue: q, steps: [{ handler: noop }, { handler: http, url: 'https://x', ca_file: '${MILL_1}' }] }\n"
      "  wrong: { queue: q, steps: [{ handler: http, url: 'https://x', ca_file: '${MILL_NONE}' }] }\n",
      "f", builtin_vocabulary());
  CHECK(text_of(read.diagnostics).find("f:5:74: consumers.wrong.steps.1.ca_file: the environment does not define") !=
        std::string::npos);
  const auto valid = load_text(
      "queues: { q: {} }\n"
      "consumers: { many: { queue: q, steps: [{ handler: http, url: 'https://x', ca_file: '~/${MILL_1}' }] } }\n",
      "f", builtin_vocabulary());
  CAPTURE(text_of(valid.diagnostics));
  REQUIRE(valid.value);
  CHECK(print(*valid.value).find("ca_file: \"/home/miller/wheel\"") != std::string::npos);
}

TEST_CASE("an undefined variable in a file is a diagnostic with its position") {
  const environment set;
  const auto read = load_text("daemon:\n  http: '${MILL_NONE}:9464'\n  data_dir: [a]\n", "f", test_vocabulary());
  CHECK_FALSE(read.value);
  CHECK(text_of(read.diagnostics).find("f:2:9: daemon.http: the environment does not define `MILL_NONE`") !=
        std::string::npos);
}
