#include <millrace/handlers/job_template.hpp>

#include <cstdlib>
#include <string>

#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

std::string fill(std::string_view text, std::string_view content = "") {
  const auto parsed = job_template::parse(text);
  if (!parsed) return "parse: " + parsed.error().text;
  const job work{job_id{7}, body{content}, "mail", 2};
  const auto filled = parsed->fill(work);
  if (filled) return *filled;
  CHECK(filled.error().code == errc::rejected);
  return "fill: " + filled.error().text;
}

}  // namespace

TEST_CASE("a template without placeholders is the same for every job", "[template]") {
  CHECK(fill("").empty());
  CHECK(fill("plain } text $ {", "x") == "plain } text $ {");
  CHECK(job_template::parse("plain")->is_constant());
  CHECK_FALSE(job_template::parse("${id}")->is_constant());
  CHECK(job_template::write(*job_template::parse("a ${id} $${")) == "a ${id} $${");
}

TEST_CASE("placeholders give the body and what is known of the job", "[template]") {
  CHECK(fill("${body}", "as\nit is") == "as\nit is");
  CHECK(fill("<${queue} ${id}, attempt ${attempt}>") == "<mail 7, attempt 2>");
  CHECK(fill("${body}${body}", "ab") == "abab");
}

TEST_CASE("in steps, placeholders give the body, the result before, the round and the time", "[template]") {
  const step_facts facts{body{R"({"name": "Ada"})"}, 2, 5, milliseconds{1500} + nanoseconds{999'999}};
  const auto in_steps = [&facts](std::string_view text, std::string_view given) {
    job work{job_id{7}, body{given}, "mail", 2};
    work.steps = &facts;
    const auto filled = job_template::parse(text).value().fill(work);
    return filled ? *filled : filled.error().text;
  };
  CHECK(in_steps("${body} ${result}", "given") == R"({"name": "Ada"} given)");
  CHECK(in_steps("${json:/name} ${result:/n} ${result:/x|none}", R"({"n": 3})") == "Ada 3 none");
  CHECK(in_steps("${result:/n}", "{}") == "`${result:/n}`: the result has no such value");
  CHECK(in_steps("${result:/n}", "text").starts_with("`${result:/n}`: the result is no JSON: "));
  CHECK(in_steps("${field:1}", "given") == R"({"name":)");
  CHECK(in_steps("${n} ${left} ${elapsed}", "") == "2 4 1.5s");
}

TEST_CASE("without steps, the result is the body, and there is one round", "[template]") {
  CHECK(fill("${result} ${n} ${left} ${elapsed}", "as it is") == "as it is 1 1 0");
  CHECK(fill("${result:/n}", R"({"n": 3})") == "3");
  CHECK(fill("${result:n}") ==
        "parse: at character 1: `${result:n}` has no JSON Pointer, which is like `/name` or "
        "`/list/0`");
}

TEST_CASE("a template tells whether the body alone decides its text", "[template]") {
  for (const auto* const text : {"plain", "${body}", "${json:/a} ${field:1}"})
    CHECK(job_template::parse(text)->needs_body_only());
  for (const auto* const text : {"${id}", "${body}${queue}", "${attempt}", "${result}", "${result:/a}", "${n}"})
    CHECK_FALSE(job_template::parse(text)->needs_body_only());
}

TEST_CASE("a doubled dollar is the text of a placeholder", "[template]") {
  CHECK(fill("$${body}", "x") == "${body}");
  CHECK(fill("$${ ${body}", "x") == "${ x");
  CHECK(fill("5$ ${body}$", "x") == "5$ x$");
}

TEST_CASE("a JSON pointer finds values of every type", "[template]") {
  const std::string content = R"({"name": "Ada", "n": 3, "half": 1.5, "big": 18446744073709551615, "yes": true,
                                  "none": null, "list": [10, {"a/b": "slash"}], "~": "tilde", "": "empty"})";
  CHECK(fill("${json:/name}", content) == "Ada");
  CHECK(fill("${json:/n} ${json:/half} ${json:/yes} ${json:/none}", content) == "3 1.5 true null");
  CHECK(fill("${json:/big}", content) == "18446744073709551615");
  CHECK(fill("${json:/list/0}", content) == "10");
  CHECK(fill("${json:/list/1/a~1b}", content) == "slash");
  CHECK(fill("${json:/~0}", content) == "tilde");
  CHECK(fill("${json:/}", content) == "empty");
  CHECK(fill("${json:/list}", content) == R"([10,{"a/b":"slash"}])");
  CHECK(fill("${json:}", "[1,2]") == "[1,2]");
}

TEST_CASE("a value that is missing takes the default or rejects the job", "[template]") {
  CHECK(fill("${json:/name|nobody}", R"({"n": 1})") == "nobody");
  CHECK(fill("${json:/name|}", R"({"n": 1})").empty());
  CHECK(fill("${json:/name|a|b}", "no json") == "a|b");
  CHECK(fill("${json:/name}", R"({"n": 1})") == "fill: `${json:/name}`: the body has no such value");
  CHECK(fill("${json:/list/2}", R"({"list": [1, 2]})") == "fill: `${json:/list/2}`: the body has no such value");
  CHECK(fill("${json:/name}", "no json").starts_with("fill: `${json:/name}`: the body is no JSON: "));
  CHECK(fill("${json:/name}", "\"\xff\"").starts_with("fill: `${json:/name}`: the body is no JSON: "));
}

TEST_CASE("fields are separated by white space and counted from 1", "[template]") {
  CHECK(fill("${field:2}-${field:1}", "  one \t two\r\nthree ") == "two-one");
  CHECK(fill("${field:3}", "one two") == "fill: `${field:3}`: the body has 2 fields");
  CHECK(fill("${field:1}", " ") == "fill: `${field:1}`: the body has 0 fields");
  CHECK(fill("${field:2}", "one") == "fill: `${field:2}`: the body has 1 field");
}

TEST_CASE("the environment is read when the template is parsed", "[template]") {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): this program has one thread now
  REQUIRE(::setenv("MILLRACE_TEMPLATE_TEST", "${id}$", 1) == 0);
  CHECK(fill("<${env:MILLRACE_TEMPLATE_TEST}>") == "<${id}$>");
  CHECK(fill("${env:MILLRACE_TEMPLATE_TEST}${id}") == "${id}$7");
  CHECK(job_template::parse("${env:MILLRACE_TEMPLATE_TEST}")->is_constant());
  CHECK(fill("x${env:MILLRACE_TEMPLATE_NONE}") ==
        "parse: at character 2: `${env:MILLRACE_TEMPLATE_NONE}`: the environment does not define this variable");
  CHECK(fill("${env:}").starts_with("parse: at character 1: "));
}

TEST_CASE("a wrong placeholder is an error with its position", "[template]") {
  CHECK(fill("Dear ${nmae}") == "parse: at character 6: `${nmae}` is unknown");
  CHECK(fill("${}") == "parse: at character 1: `${}` is unknown");
  CHECK(fill("${body") == "parse: at character 1: `${` has no `}`; write `$${` for the text `${`");
  CHECK(fill("ab ${json:name}") ==
        "parse: at character 4: `${json:name}` has no JSON Pointer, which is like `/name` or `/list/0`");
  CHECK(fill("${json:/a~2}").starts_with("parse: at character 1: "));
  for (const std::string number : {"0", "", "-1", "1x", "1001", "99999999999"}) {
    CAPTURE(number);
    CHECK(fill("${field:" + number + "}") ==
          "parse: at character 1: `${field:" + number + "}`: the number of a field is from 1 to 1000");
  }
}

TEST_CASE("what a template reads and makes is bounded", "[template]") {
  const std::string most(job_template::filled_bytes_max, 'x');
  CHECK(fill("${body}", most) == most);
  CHECK(fill("${body}", most + 'x') == "fill: the text for this job is longer than 1MiB");
  CHECK(fill("${body}!", most) == "fill: the text for this job is longer than 1MiB");
  CHECK(fill(most + 'x') == "parse: is longer than 1MiB");

  const std::string padding(job_template::parsed_bytes_max, ' ');
  CHECK(fill("${json:}", padding.substr(1) + "1") == "1");
  CHECK(fill("${json:}", padding + "1") ==
        "fill: `${json:}`: the body is longer than 256KiB, so it is not read as JSON");
  CHECK(fill("${field:1}", padding.substr(1) + "1") == "1");
  CHECK(fill("${field:1}", padding + "1") ==
        "fill: `${field:1}`: the body is longer than 256KiB, so it is not split into fields");

  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(fill("${json:}", nested(job_template::json_depth_max)) == nested(job_template::json_depth_max));
  CHECK(fill("${json:|deep}", nested(job_template::json_depth_max + 1)) == "deep");
}

TEST_CASE("values can be encoded, but not the text around them and not a value at the beginning", "[template]") {
  const auto encode = [](std::string_view value) { return "<" + std::string{value} + ">"; };
  const auto filled = [&](std::string_view text) {
    return job_template::parse(text).value().fill({job_id{1}, body{"a b"}, "mail", 2}, encode).value();
  };
  CHECK(filled("x/${body}/${field:2}?") == "x/<a b>/<b>?");
  CHECK(filled("${body}/${id}") == "a b/<1>");
  CHECK(filled("plain") == "plain");
}
