#include "wire/worker_frame.hpp"

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/quantity.hpp>

#include "support/catch.hpp"
#include "wire/reused_text.hpp"
#include "wire/worker_side.hpp"

using namespace millrace;
using namespace std::string_literals;
using wire::worker_message;
using wire::worker_retry;

namespace {

std::string text_of(const worker_message& message) {
  const auto id = std::to_string(message.id.value()) + ' ';
  switch (message.type) {
    case worker_message::kind::done:
      return id + "done" + (message.result ? ": " + *message.result : "");
    case worker_message::kind::failed:
      if (message.retry == worker_retry::never) return id + "failed for good: " + message.text;
      if (message.retry == worker_retry::later) return id + "in " + write_duration(message.wait) + ": " + message.text;
      return id + "failed: " + message.text;
    case worker_message::kind::progress:
      return id + "progress: " + message.text;
    case worker_message::kind::unparsed:
      return "unparsed: " + message.text;
    case worker_message::kind::malformed:
      break;
  }
  return (message.id ? id : ""s) + "malformed: " + message.text;
}

std::string parsed(std::string_view line) { return text_of(wire::parse_worker_message(line)); }

/// The results of a reader for the pieces, up to the first malformed line.
struct reading {
  explicit reading(std::size_t line_bytes_max = 200) : reader{line_bytes_max} {}

  void feed(std::string_view bytes) {
    while (!bytes.empty() && !is_over) {
      const auto message = reader.next(bytes);
      if (!message) return;
      messages.push_back(text_of(*message));
      is_over = message->type == worker_message::kind::malformed;
    }
  }

  wire::worker_frame_reader reader;
  std::vector<std::string> messages;
  bool is_over{false};
};

std::string line_of(const wire::worker_job& job) {
  std::string line;
  wire::append_worker_job(line, job);
  return line;
}

}  // namespace

TEST_CASE("a job for a worker is one line of JSON") {
  CHECK(line_of({job_id{7}, "mail", 2, "hello \"you\"\nthere"}) ==
        R"({"id":7,"queue":"mail","attempt":2,"body":"hello \"you\"\nthere"})"
        "\n");
  CHECK(line_of({job_id{7}, "mail", 1, ""}) == R"({"id":7,"queue":"mail","attempt":1,"body":""})"
                                               "\n");
}

TEST_CASE("a body that is not UTF-8 goes to a worker in base64") {
  CHECK(line_of({job_id{7}, "mail", 1, "\xff\x00z"s}) == R"({"id":7,"queue":"mail","attempt":1,"body_base64":"/wB6"})"
                                                         "\n");
}

TEST_CASE("an id that JavaScript cannot keep is a string, and is read as one") {
  CHECK(line_of({job_id{9'007'199'254'740'991}, "q", 1, ""}).starts_with(R"({"id":9007199254740991,)"));
  CHECK(line_of({job_id{9'007'199'254'740'992}, "q", 1, ""}).starts_with(R"({"id":"9007199254740992","queue":"q",)"));
  CHECK(parsed(R"({"id":"9007199254740993","ok":true})") == "9007199254740993 done");
  CHECK(parsed(R"({"id":1152921504606846975,"ok":true})") == "1152921504606846975 done");
}

TEST_CASE("a worker says that a job is done, with and without a result") {
  CHECK(parsed(R"({"id":7,"ok":true})") == "7 done");
  CHECK(parsed(" { \"ok\" : true , \"id\" : 7 } \r") == "7 done");
  CHECK(parsed(R"({"id":7,"ok":true,"result":null})") == "7 done");
  CHECK(parsed(R"({"id":7,"ok":true,"result":""})") == "7 done: ");
  CHECK(parsed(R"({"id":7,"ok":true,"result":"a\nbé"})") == "7 done: a\nbé");
  CHECK(parsed(R"({"id":7,"ok":true,"result":1.5})") == "7 done: 1.5");
  CHECK(parsed(R"({"id":7,"ok":true,"result":{"a":[1,"x",null]}})") == R"(7 done: {"a":[1,"x",null]})");
  CHECK(parsed(R"({"id":7,"ok":true,"result_base64":"/wB6"})") == "7 done: \xff\x00z"s);
}

TEST_CASE("a worker says that a job failed, and what happens to it") {
  CHECK(parsed(R"({"id":7,"error":"no such user"})") == "7 failed: no such user");
  CHECK(parsed(R"({"id":7,"error":"no such user","retry":true})") == "7 failed: no such user");
  CHECK(parsed(R"({"id":7,"error":"no such user","retry":false})") == "7 failed for good: no such user");
  CHECK(parsed(R"({"id":7,"error":"busy","retry":"30s"})") == "7 in 30s: busy");
  CHECK(parsed(R"({"id":7,"progress":"half"})") == "7 progress: half");
}

TEST_CASE("every malformed line has its own reason") {
  CHECK(parsed("") == "malformed: an empty line");
  CHECK(parsed(" \t\r") == "malformed: an empty line");
  CHECK(parsed("Traceback (most recent call last):").starts_with("malformed: the line is no JSON: "));
  CHECK(parsed(R"({"id":7,"ok":true)").starts_with("malformed: the line is no JSON: "));
  CHECK(parsed(R"({"id":7,"ok":true} x)").starts_with("malformed: the line is no JSON: "));
  CHECK(parsed("{\"id\":7,\"error\":\"\xff\"}").starts_with("malformed: the line is no JSON: "));
  CHECK(parsed(std::string(100'000, '[')).starts_with("malformed: the line is no JSON: "));
  CHECK(parsed("[1]") == "malformed: the line is no object of JSON");
  CHECK(parsed(R"({"ok":true})") == "malformed: the line has no `id`");
  for (const char* id : {"0", "-7", "7.5", "\"\"", "\"7x\"", "null", "[7]", "1152921504606846976", "1e3",
                         "18446744073709551615", "99999999999999999999"}) {
    CAPTURE(id);
    CHECK(parsed(R"({"ok":true,"id":)"s + id + "}") == "malformed: `id` is not the id of a job");
  }
  CHECK(parsed(R"({"id":7})") == "7 malformed: the line has none of `ok`, `error` and `progress`");
  CHECK(parsed(R"({"id":7,"ok":false})") == "7 malformed: `ok` is not true: a job that failed has `error`");
  CHECK(parsed(R"({"id":7,"ok":1})") == "7 malformed: `ok` is not true: a job that failed has `error`");
  CHECK(parsed(R"({"id":7,"ok":true,"error":"x"})") == "7 malformed: the line has `ok` and another outcome");
  CHECK(parsed(R"({"id":7,"ok":true,"resutl":"x"})") == "7 malformed: a line with `ok` has no key `resutl`");
  CHECK(parsed(R"({"id":7,"ok":true,"result":"x","result_base64":"eA=="})") ==
        "7 malformed: the line has both `result` and `result_base64`");
  CHECK(parsed(R"({"id":7,"ok":true,"result_base64":"?"})") == "7 malformed: `result_base64` is not base64");
  CHECK(parsed(R"({"id":7,"ok":true,"result_base64":7})") == "7 malformed: `result_base64` is not base64");
  CHECK(parsed(R"({"id":7,"error":7})") == "7 malformed: `error` is no text");
  CHECK(parsed(R"({"id":7,"error":"x","progress":"y"})") == "7 malformed: a line with `error` has no key `progress`");
  for (const char* retry : {"7", "null", "\"soon\"", "\"-1s\"", "{}"}) {
    CAPTURE(retry);
    CHECK(parsed(R"({"id":7,"error":"x","retry":)"s + retry + "}") ==
          "7 malformed: `retry` is not true, false or a duration like \"30s\"");
  }
  CHECK(parsed(R"({"id":7,"progress":0.5})") == "7 malformed: `progress` is no text");
  CHECK(parsed(R"({"id":7,"progress":"x","ok2":1})") == "7 malformed: a line with `progress` has no key `ok2`");
}

TEST_CASE("lines of a worker say the same wherever their bytes are cut") {
  const auto bytes = R"({"id":1,"ok":true})"
                     "\n"
                     R"({"id":2,"error":"é","retry":"30s"})"
                     "\r\n"
                     R"({"id":3,"progress":"half"})"
                     "\nno JSON\n{\"id\":4,\"ok\":true}\n"s;
  const std::string_view all = bytes;
  reading whole;
  whole.feed(all);
  REQUIRE(whole.messages.size() == 4);
  CHECK(whole.messages[0] == "1 done");
  CHECK(whole.messages[1] == "2 in 30s: é");
  CHECK(whole.messages[2] == "3 progress: half");
  CHECK(whole.messages[3].starts_with("malformed: "));

  for (std::size_t first = 0; first <= all.size(); ++first) {
    for (std::size_t second = first; second <= all.size(); ++second) {
      reading in_three;
      in_three.feed(all.substr(0, first));
      in_three.feed(all.substr(first, second - first));
      in_three.feed(all.substr(second));
      CAPTURE(first, second);
      if (in_three.messages != whole.messages) CHECK(in_three.messages == whole.messages);
    }
  }
  reading by_bytes;
  for (const char& each : all) by_bytes.feed({&each, 1});
  CHECK(by_bytes.messages == whole.messages);
}

TEST_CASE("a line of output_max bytes is read, and a longer one is not, wherever it is cut") {
  const std::size_t line_bytes_max = 60;
  const std::string start = R"({"id":1,"progress":")", end = "\"}\n";
  for (const std::size_t bytes : {59u, 60u, 61u, 62u, 1'000u}) {
    const auto line = start + std::string(bytes - start.size() - end.size(), 'x') + end;
    REQUIRE(line.size() == bytes);
    for (std::size_t cut = 0; cut <= line.size(); ++cut) {
      CAPTURE(bytes, cut);
      reading lines{line_bytes_max};
      lines.feed(std::string_view{line}.substr(0, cut));
      lines.feed(std::string_view{line}.substr(cut));
      REQUIRE(lines.messages.size() == 1);
      const bool fits = bytes <= line_bytes_max;
      if (fits) CHECK(lines.messages[0].starts_with("1 progress: xxx"));
      if (!fits) CHECK(lines.messages[0] == "malformed: a line is longer than output_max (60 bytes)");
    }
  }
}

TEST_CASE("a line that never ends is refused as soon as it is too long") {
  reading lines{1'000};
  for (int i = 0; i < 10; ++i) lines.feed(std::string(99, 'x'));
  CHECK(lines.messages.empty());
  CHECK(lines.reader.within_line());
  lines.feed(std::string(99, 'x'));
  CHECK(lines.messages == std::vector<std::string>{"malformed: a line is longer than output_max (1kB)"});
}

TEST_CASE("random bytes and damaged lines are read without harm, and the same whole and cut") {
  std::minstd_rand random{20'261'130};
  const std::vector<std::string> lines{R"({"id":12,"ok":true,"result":{"a":[1,2.5e3,"x\u00e9"]}})",
                                       R"({"id":"12","error":"no","retry":"1m30s"})", R"({"id":12,"progress":"é"})"};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (unsigned count = 1 + static_cast<unsigned>(random() % 3); count > 0; --count) {
      bytes += lines[random() % lines.size()] + '\n';
    }
    for (auto damage = random() % 4; damage > 0; --damage) {
      const auto at = random() % bytes.size();
      if (random() % 2 == 0) bytes[at] = static_cast<char>(random() % 256);
      if (random() % 4 == 0) bytes.erase(at, random() % 9);
      if (bytes.empty()) bytes = "\n";
    }
    const std::string_view all = bytes;
    const auto cut = random() % (all.size() + 1);
    reading whole, in_two;
    whole.feed(all);
    in_two.feed(all.substr(0, cut));
    in_two.feed(all.substr(cut));
    CAPTURE(round, cut);
    if (whole.messages != in_two.messages) CHECK(whole.messages == in_two.messages);
  }
}

TEST_CASE("messages from and to a process of our own program are read back as they were written") {
  const auto round_trip = [](worker_message message) {
    message.id = job_id{7};
    std::string line;
    wire::append_worker_answer(line, message);
    REQUIRE(line.ends_with('\n'));
    line.pop_back();
    auto read = wire::parse_worker_message(line);
    CAPTURE(line);
    CHECK(read.type == message.type);
    CHECK(read.id == message.id);
    CHECK(read.result == message.result);
    CHECK(read.text == message.text);
    CHECK(read.retry == message.retry);
    CHECK(read.wait == message.wait);
    CHECK(read.failure == message.failure);
    CHECK(read.work == message.work);
  };
  using kind = worker_message::kind;
  round_trip({.type = kind::done});
  round_trip({.type = kind::done, .result = ""});
  round_trip({.type = kind::done, .result = "a \"text\"\n with é", .work = nanoseconds{1'234}});
  round_trip({.type = kind::done, .result = "\xff\x00 no text"s});
  round_trip({.type = kind::failed, .text = "why", .work = duration::zero()});
  round_trip({.type = kind::failed, .text = "why", .retry = worker_retry::never});
  round_trip({.type = kind::failed, .text = "why", .retry = worker_retry::later, .wait = nanoseconds{1'000'001}});
  round_trip({.type = kind::failed, .text = "why", .failure = wire::worker_failure::over_limit});
  round_trip({.type = kind::failed, .text = "why", .failure = wire::worker_failure::interrupted});

  for (const auto& content : {""s, "plain"s, "\xff\n\x00"s}) {
    auto line = line_of({job_id_max, "a \"queue\"", 3, content, R"("say \"x\"")"});
    line.pop_back();
    const auto order = wire::parse_worker_order(line);
    CAPTURE(line);
    CHECK(order.type == wire::worker_order::kind::job);
    CHECK(order.id == job_id_max);
    CHECK(order.queue == "a \"queue\"");
    CHECK(order.attempt == 3);
    CHECK(order.handler == "say \"x\"");
    CHECK(order.text == content);
  }
  std::string cancellation;
  wire::append_worker_cancellation(cancellation, job_id{12});
  CHECK(cancellation == "{\"cancel\":12}\n");
  const auto order = wire::parse_worker_order(R"({"cancel":12})");
  CHECK(order.type == wire::worker_order::kind::cancel);
  CHECK(order.id == job_id{12});
}

TEST_CASE("a line that is no order of the daemon says why") {
  const auto problem = [](std::string_view line) {
    const auto order = wire::parse_worker_order(line);
    CHECK(order.type == wire::worker_order::kind::malformed);
    return order.text;
  };
  CHECK(problem("").starts_with("the line is no JSON"));
  CHECK(problem("[]") == "the line is no object of JSON");
  CHECK(problem("{}") == "the line has no `id`");
  CHECK(problem(R"({"cancel":0})") == "`cancel` is not the id of a job");
  CHECK(problem(R"({"id":1,"queue":"q","attempt":1,"body":"x"})") == "a job lacks its queue, handler or body");
  CHECK(problem(R"({"id":1,"queue":"q","attempt":-1,"handler":"","body":"x"})") == "a job lacks its attempt");
  CHECK(problem(R"({"id":1,"queue":"q","attempt":1,"handler":"","body_base64":"?"})") ==
        "a job lacks its queue, handler or body");
}

TEST_CASE("a length that is no whole number and an unknown end are malformed") {
  CHECK(parsed(R"({"id":1,"ok":true,"nanoseconds":-1})") == "1 malformed: `nanoseconds` is no whole number");
  CHECK(parsed(R"({"id":1,"ok":true,"nanoseconds":"1"})") == "1 malformed: `nanoseconds` is no whole number");
  CHECK(parsed(R"({"id":1,"error":"","end":"x"})") == "1 malformed: `end` is neither \"limit\" nor \"interrupted\"");
}

TEST_CASE("a line that is longer than a reader should parse comes as it is, wherever its bytes are cut") {
  const std::string bytes = "{\"id\":1,\"ok\":true}\n{\"id\":12,\"ok\":true}\n{\"id\":2,\"ok\":true}\n";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    wire::worker_frame_reader reader{1'000, std::string_view{R"({"id":1,"ok":true})"}.size()};
    std::vector<std::string> messages;
    for (auto part : {std::string_view{bytes}.substr(0, cut), std::string_view{bytes}.substr(cut)}) {
      while (const auto message = reader.next(part)) messages.push_back(text_of(*message));
    }
    CAPTURE(cut);
    CHECK(messages == std::vector<std::string>{"1 done", "unparsed: {\"id\":12,\"ok\":true}", "2 done"});
  }
}

TEST_CASE("a reader and a text that is used again keep no more memory than a small line needs") {
  wire::worker_frame_reader reader{std::size_t{1} << 30U};
  const std::string large(10 * wire::reused_bytes_max, ' ');
  for (const char* end : {"\n", "{\"id\":1,\"ok\":true}\n"}) {
    std::string_view part = large;
    CHECK_FALSE(reader.next(part));
    CHECK(reader.capacity() >= large.size());
    part = end;
    CHECK(reader.next(part));
    CHECK(reader.capacity() <= wire::reused_bytes_max);
  }
  std::string text(wire::reused_bytes_max, 'x');
  const auto capacity = text.capacity();
  wire::clear_reused(text);
  CHECK(text.empty());
  CHECK(text.capacity() == (capacity <= wire::reused_bytes_max ? capacity : std::string{}.capacity()));
  text = large;
  wire::clear_reused(text);
  CHECK(text.empty());
  CHECK(text.capacity() <= wire::reused_bytes_max);
}
