#include "settings/expansion.hpp"

#include <cstdlib>
#include <string>

#include "settings/load.hpp"
#include "support/catch.hpp"
#include "words.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

/// The text, or why not.
std::string of(std::string_view text) {
  const auto made = expanded(text);
  return made ? *made : "error: " + made.error().text;
}

struct environment {
  environment() {
    ::setenv("HOME", "/home/miller", 1);
    ::setenv("MILL_1", "wheel", 1);
    ::setenv("MILL_EMPTY", "", 1);
    ::setenv("MILL_DOLLAR", "${MILL_1}", 1);
    ::unsetenv("MILL_NONE");
  }
};

}  // namespace

TEST_CASE("names of the environment and the home directory are expanded in paths and addresses") {
  const environment set;
  CHECK(of("/var/lib") == "/var/lib");
  CHECK(of("${MILL_1}/x${MILL_1}") == "wheel/xwheel");
  CHECK(of("a${MILL_EMPTY}b") == "ab");
  CHECK(of("${MILL_DOLLAR}") == "${MILL_1}");
  CHECK(of("~") == "/home/miller");
  CHECK(of("~/data/${MILL_1}") == "/home/miller/data/wheel");
  CHECK(of("unix:~/m.sock") == "unix:/home/miller/m.sock");
  CHECK(of("${MILL_1}:9464") == "wheel:9464");
  CHECK(of("a~b/~") == "a~b/~");
  CHECK(of("$HOME $ $$ {MILL_1}") == "$HOME $ $$ {MILL_1}");
  CHECK(of("$${MILL_1}/${MILL_1}") == "${MILL_1}/wheel");
}

TEST_CASE("what is printed is expanded to the same") {
  const environment set;
  for (const char* const text : {"/a/b", "${MILL_1}", "$${", "${${", "$", "~not/home", "unix:/x/${y}", "a$${b}"}) {
    const auto back = of(unexpanded(text));
    CHECK((back == text || back == std::string{"./"} + text));
  }
}

TEST_CASE("what cannot be expanded is an error") {
  const environment set;
  CHECK(of("${MILL_NONE}/x") == "error: the environment does not define `MILL_NONE`");
  for (const char* const text : {"${", "${MILL_1", "${}", "${1}", "${MILL-1}", "x${a b}"}) {
    CHECK(of(text) == "error: `${` is not followed by a name and `}`");
  }
  CHECK(of("~miller/x").starts_with("error: `~` is the home directory only before a `/`"));
  ::unsetenv("HOME");
  CHECK(of("~/x") == "error: the environment does not define `HOME`");
}

TEST_CASE("paths and addresses of a settings file are expanded before they are checked") {
  const environment set;
  ::setenv("MILL_PORT", "9000", 1);
  const auto read = load_text(
      "daemon: { data_dir: '~/${MILL_1}', http: '127.0.0.1:${MILL_PORT}', beanstalk: 'unix:~/b' }", "f", made_up());
  CAPTURE(text_of(read.complaints));
  REQUIRE(read.value);
  CHECK(read.value->daemon.data_dir == "/home/miller/wheel");
  CHECK(read.value->daemon.store.data_dir == "/home/miller/wheel");
  CHECK(network::write_address(read.value->daemon.http.value()) == "127.0.0.1:9000");
  CHECK(network::write_address(read.value->daemon.beanstalk.value()) == "unix:/home/miller/b");
}

TEST_CASE("a name that is not defined is a complaint with its place") {
  const environment set;
  const auto read = load_text("daemon:\n  http: '${MILL_NONE}:9464'\n  data_dir: [a]\n", "f", made_up());
  CHECK_FALSE(read.value);
  CHECK(text_of(read.complaints).find("f:2:9: daemon.http: the environment does not define `MILL_NONE`") !=
        std::string::npos);
}
