// The work of a computing process, without the process. Processes are in tests/system/processes_test.py.
#include "handlers/computing_process.hpp"

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/option.hpp>

#include "handlers/catalogue.hpp"
#include "handlers/definition.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "wire/worker_frame.hpp"

namespace millrace::handlers {
namespace {

struct part_options {
  std::uint32_t depth{3};
};
const options_of<part_options>& part_table() {
  static const auto table = options_of<part_options>{}.count("depth", &part_options::depth, {}, "Depth.");
  return table;
}

struct odd_options {
  std::optional<std::string> word{};
  std::vector<std::string> words{};
  std::optional<part_options> part{};
  duration length{seconds{1}};
};
const options_of<odd_options>& odd_table() {
  static const auto table = options_of<odd_options>{}
                                .text("word", &odd_options::word, "A word.")
                                .text_list("words", &odd_options::words, "Words.")
                                .section("part", &odd_options::part, part_table(), "A part.")
                                .duration("length", &odd_options::length, {}, "A length.");
  return table;
}

/// The body names the end, after one more step for each `+` before it.
class odd : public computing_handler {
 public:
  odd(const odd_options& options, const handler_context&) : options_{options} { ++made; }
  ~odd() override { --made; }
  odd(const odd&) = delete;
  odd& operator=(const odd&) = delete;

  result<std::unique_ptr<offload::computation>> begin(const job& work) override {
    std::string behavior{work.content.view()};
    if (behavior == "refuse") return invalid("refused at once");
    if (behavior == "throw early") throw std::bad_alloc{};
    if (behavior == "nothing") return std::unique_ptr<offload::computation>{};
    return std::unique_ptr<offload::computation>{std::make_unique<steps>(std::move(behavior))};
  }
  answer conclude(const job& work, result<std::string>&& computed) override {
    if (!computed) return answer{std::move(computed)};
    if (*computed == "later") return answer::later(seconds{30});
    if (*computed == "limit") return answer::over_limit("too much");
    if (*computed == "interrupted") return answer::interrupted("somebody died");
    if (*computed == "reject") return rejected("useless");
    if (*computed == "options") {
      std::string text = options_.word.value_or("no word") + ", " + std::to_string(options_.length / seconds{1});
      for (const auto& word : options_.words) text += ", " + word;
      return answer{text + (options_.part ? ", " + std::to_string(options_.part->depth) : "")};
    }
    if (*computed == "job")
      return answer{std::string{work.queue} + ' ' + std::to_string(work.id.value()) + ' ' +
                    std::to_string(work.attempt)};
    return answer{std::move(computed)};
  }

  static inline int made{0};

 private:
  class steps : public offload::computation {
   public:
    explicit steps(std::string behavior) : behavior_{std::move(behavior)} {
      while (behavior_.starts_with('+')) {
        ++left_;
        behavior_.erase(0, 1);
      }
    }
    offload::progress step() override {
      if (left_-- > 0) return offload::progress::more;
      if (behavior_ == "throw") throw std::runtime_error{"thrown by a step"};
      return offload::progress::done;
    }
    result<std::string> take_result() override {
      if (behavior_ == "long") return std::string(computing_jobs::result_bytes_max + 1, 'x');
      if (behavior_ == "cancelled") return error{errc::cancelled, "said by itself"};
      return behavior_;
    }

   private:
    std::string behavior_;
    int left_{0};
  };

  odd_options options_;
};

/// Jobs as the daemon gives them, and the answers as it reads them.
struct process_fixture {
  process_fixture() {
    add_all(kinds);
    kinds.add(kind_of<odd>("odd", "ends in many ways", odd_table()));
    odd_text = handler_text(*kinds.find("odd"), odd_table().make().get());
  }

  void give(std::uint64_t id, std::string_view content, std::string_view handler = {}) {
    std::string line;
    wire::append_worker_job(line, {job_id{id}, "numbers", 2, content, handler.empty() ? odd_text : handler});
    REQUIRE(jobs.receive(line));
  }
  void cancel(std::uint64_t id) {
    std::string line;
    wire::append_worker_cancellation(line, job_id{id});
    REQUIRE(jobs.receive(line));
  }
  /// The answers since the last call.
  std::vector<std::string> answers() {
    std::vector<std::string> texts;
    wire::worker_frame_reader reader{std::size_t{1} << 30};
    std::string_view written = jobs.output();
    while (const auto message = reader.next(written)) {
      using kind = wire::worker_message::kind;
      REQUIRE((message->type == kind::done || message->type == kind::failed));
      REQUIRE(message->work);
      std::string text = std::to_string(message->id.value()) + ' ';
      if (message->type == kind::done) text += message->result.value_or("-");
      if (message->type == kind::failed) text += "failed: " + message->text;
      if (message->retry == wire::worker_retry::never) text += ", for good";
      if (message->retry == wire::worker_retry::later) text += ", in " + std::to_string(message->wait / seconds{1});
      if (message->failure == wire::worker_failure::over_limit) text += ", limit";
      if (message->failure == wire::worker_failure::interrupted) text += ", interrupted";
      texts.push_back(std::move(text));
    }
    jobs.output().clear();
    return texts;
  }
  std::string answer_of(std::string_view content, std::string_view handler = {}) {
    give(1, content, handler);
    while (!jobs.idle()) jobs.step();
    const auto all = answers();
    REQUIRE(all.size() == 1);
    return all.front().substr(2);
  }

  handler_fixture fixture;
  registry kinds;
  std::string odd_text;
  computing_jobs jobs{fixture.loop, kinds, fixture.context};
};

using lines = std::vector<std::string>;

TEST_CASE("every way in which a computation can end reaches the daemon") {
  process_fixture fixture;
  CHECK(fixture.answer_of("a text") == "a text");
  CHECK(fixture.answer_of("").empty());
  CHECK(fixture.answer_of("job") == "numbers 1 2");
  CHECK(fixture.answer_of("refuse") == "failed: refused at once");
  CHECK(fixture.answer_of("throw early") == "failed: std::bad_alloc");
  CHECK(fixture.answer_of("throw") == "failed: thrown by a step");
  CHECK(fixture.answer_of("nothing") == "failed: the handler began no computation");
  CHECK(fixture.answer_of("later") == "failed: the handler wants the job again later, in 30");
  CHECK(fixture.answer_of("limit") == "failed: too much, limit");
  CHECK(fixture.answer_of("interrupted") == "failed: somebody died, interrupted");
  CHECK(fixture.answer_of("reject") == "failed: useless, for good");
  CHECK(fixture.answer_of("cancelled") == "failed: said by itself");
  CHECK(fixture.answer_of("long") == "failed: the result has 16777217 bytes, and that of a process at most 16MiB");
  CHECK(fixture.answer_of("after all that") == "after all that");
}

TEST_CASE("the options of a handler are those of the settings, however they are written") {
  process_fixture fixture;
  CHECK(fixture.answer_of("options") == "no word, 1");
  odd_options options{.word = "a \"word\"\n", .words = {"x", "é"}, .part = part_options{7}, .length = hours{2}};
  CHECK(fixture.answer_of("options", handler_text(*fixture.kinds.find("odd"), &options)) ==
        "a \"word\"\n, 7200, x, é, 7");
}

TEST_CASE("every computing handler of the catalogue can be made again in another process") {
  process_fixture fixture;
  for (const auto& name : fixture.kinds.names()) {
    const auto& handler_kind = *fixture.kinds.find(name);
    if (!handler_kind.computes) continue;
    CAPTURE(name);
    const auto made = read_definition(write_definition(handler_kind, handler_kind.options->make().get()), fixture.kinds,
                                      fixture.fixture.context);
    REQUIRE(made.has_value());
    CHECK(std::holds_alternative<std::unique_ptr<computing_handler>>(*made));
  }
}

TEST_CASE("a definition that is none of this program is an error of its job") {
  process_fixture fixture;
  CHECK(fixture.answer_of("x", "\"nonsense\"") == "failed: this is not the definition of a handler");
  CHECK(fixture.answer_of("x", R"("{\"handler\":\"other\",\"options\":{}}")") ==
        "failed: this program has no handler other");
  CHECK(fixture.answer_of("x", R"("{\"handler\":\"odd\",\"options\":{\"size\":\"1\"}}")") ==
        "failed: there is no option size");
  CHECK(fixture.answer_of("x", R"("{\"handler\":\"noop\",\"options\":{}}")") ==
        "failed: this handler does not compute");
}

TEST_CASE("short computations of a process end before a long one that came first") {
  process_fixture fixture;
  fixture.give(1, "++++long one");
  fixture.give(2, "+short");
  fixture.give(3, "shortest");
  fixture.jobs.step();
  CHECK(fixture.answers() == lines{"3 shortest"});
  fixture.jobs.step();
  CHECK(fixture.answers() == lines{"2 short"});
  while (!fixture.jobs.idle()) fixture.jobs.step();
  CHECK(fixture.answers() == lines{"1 long one"});
}

TEST_CASE("a cancelled computation stops between two steps, and others go on") {
  process_fixture fixture;
  fixture.give(1, "+++++++++++one");
  fixture.give(2, "+two");
  fixture.jobs.step();
  fixture.cancel(1);
  fixture.cancel(99);
  fixture.jobs.step();
  CHECK(fixture.answers() == lines{"1 failed: it was cancelled", "2 two"});
  CHECK(fixture.jobs.idle());
}

TEST_CASE("limits of computing processes are named as in the settings") {
  const auto settings =
      computing_process_settings({.process_memory_max = std::uint64_t{1} << 30U, .process_cpu_max = seconds{2}});
  CHECK(settings.description == "the computing process");
  CHECK(settings.memory_max == std::uint64_t{1} << 30U);
  CHECK(settings.memory_setting == "process_memory_max");
  CHECK(settings.cpu_max == seconds{2});
  CHECK(settings.cpu_setting == "process_cpu_max");
}

TEST_CASE("lines that come in pieces are put together") {
  process_fixture fixture;
  std::string all;
  for (std::uint64_t id = 1; id <= 3; ++id)
    wire::append_worker_job(all, {job_id{id}, "q", 1, "body " + std::to_string(id), fixture.odd_text});
  for (const char& each : all) REQUIRE(fixture.jobs.receive({&each, 1}));
  fixture.jobs.step();
  CHECK(fixture.answers() == lines{"1 body 1", "2 body 2", "3 body 3"});
}

TEST_CASE("a line that is no job ends the process") {
  process_fixture fixture;
  CHECK_FALSE(fixture.jobs.receive("hello\n"));
}

TEST_CASE("handlers are made once, and a process keeps no more than so many that have no job") {
  process_fixture fixture;
  const int before = odd::made;
  for (int n = 0; n < 200; ++n) {
    odd_options options{.word = std::to_string(n)};
    const auto text = handler_text(*fixture.kinds.find("odd"), &options);
    CHECK(fixture.answer_of("options", text) == std::to_string(n) + ", 1");
    CHECK(fixture.answer_of("options", text) == std::to_string(n) + ", 1");
    REQUIRE(odd::made - before <= static_cast<int>(computing_jobs::handlers_max));
  }
}

}  // namespace
}  // namespace millrace::handlers
