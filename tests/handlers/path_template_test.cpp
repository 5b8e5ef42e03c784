#include "handlers/path_template.hpp"

#include <stdlib.h>

#include "handlers/program.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

std::string filled(std::string_view text, std::string_view content) {
  const auto parsed = path_template::parse(text);
  return parsed ? text_of(parsed->fill(job_with(content))) : parsed.error().text;
}

}  // namespace

TEST_CASE("a path may have values of the job in each of its names", "[path_template]") {
  CHECK(filled("lines.txt", "x") == "lines.txt");
  CHECK(filled("/var/log/${queue}.log", "x") == "/var/log/numbers.log");
  CHECK(filled("${json:/to/a}/${id}-${json:/b|none}.txt", R"({"to": {"a": "Ada"}})") == "Ada/1-none.txt");
  CHECK(filled("a$${b/c}", "x") == "a${b/c}");
}

TEST_CASE("a value of a job cannot lead to another directory", "[path_template]") {
  CHECK(filled("in/${body}", "..") == R"(".." cannot be the name of a file)");
  CHECK(filled("in/${body}", "../out") == R"("../out" cannot be the name of a file)");
  CHECK(filled("in/${body}", "/etc/passwd") == R"("/etc/passwd" cannot be the name of a file)");
  CHECK(filled("in/${body}", "") == R"("" cannot be the name of a file)");
  CHECK(filled("${body}/x", ".") == R"("." cannot be the name of a file)");
  CHECK(filled("in/${body}", std::string_view{"a\0b", 3}).ends_with("cannot be the name of a file"));
  CHECK(filled("in/${body}", std::string(path_template::name_bytes_max, 'a')).size() == 258);
  CHECK(filled("in/${body}", std::string(path_template::name_bytes_max + 1, 'a')).ends_with("the name of a file"));
}

TEST_CASE("a path without a name, or with a wrong placeholder, is refused", "[path_template]") {
  CHECK(path_template::parse("").error().text == "is empty");
  CHECK(path_template::parse("logs/").error().text == "is the path of a directory");
  CHECK(path_template::parse("logs/${bdy}").error().text.starts_with("at character 6: "));
  CHECK(path_template::parse("logs/${body").error().text.starts_with("at character 6: "));
}

TEST_CASE("a relative path can be put under a folder, whose name is taken as it is", "[path_template]") {
  ::setenv("MILLRACE_TEST_FOLDER", "/tmp/x", 1);  // NOLINT(concurrency-mt-unsafe): one thread
  CHECK(path_template::parse("/a").value().is_absolute());
  CHECK(path_template::parse("${env:MILLRACE_TEST_FOLDER}/a").value().is_absolute());
  const auto relative = path_template::parse("${body}/a").value();
  CHECK_FALSE(relative.is_absolute());
  CHECK(filled(relative.text_under("/f${id}"), "b") == "/f${id}/b/a");
  CHECK(relative.text_under("") == "${body}/a");
}
