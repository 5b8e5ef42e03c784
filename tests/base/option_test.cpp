#include <millrace/base/option.hpp>

#include "support/catch.hpp"

using namespace millrace;

namespace {

enum class method { fast, trial };

struct inner_options {
  std::uint32_t threads{2};
};

struct options {
  bool loud{false};
  std::uint32_t most{10};
  std::uint64_t memory{1u << 20};
  std::optional<duration> timeout;
  double share{0.5};
  std::optional<double> rate;
  std::optional<std::string> output;
  std::vector<std::string> queues;
  method kind{method::fast};
  inner_options inner;
};

const options_of<inner_options>& inner_table() {
  static const auto table =
      options_of<inner_options>{}.count("threads", &inner_options::threads, {.most = 8}, "Threads.");
  return table;
}

const options_of<options>& table() {
  static const auto table =
      options_of<options>{}
          .flag("loud", &options::loud, "Says more.")
          .count("most", &options::most, {.least = 1, .most = 100}, "How many.")
          .size("memory", &options::memory, {.least = 1}, "How much.")
          .duration("timeout", &options::timeout, {.least = milliseconds{1}, .most = hours{1}}, "How long.")
          .real("share", &options::share, {.least = 0, .most = 1}, "Which part.")
          .rate("rate", &options::rate, {}, "How often.")
          .text("output", &options::output, "Where to.",
                [](std::string_view text) -> result<> {
                  if (text.empty()) return invalid("it is empty");
                  return {};
                })
          .text_list("queues", &options::queues, "Where from.")
          .required()
          .example("numbers")
          .choice("method", &options::kind, {{"fast", method::fast}, {"trial", method::trial}}, "In which way.")
          .planned_choice("slow", "is planned, not here yet")
          .section("inner", &options::inner, inner_table(), "A part.")
          .planned("retry", "retries are planned, not here yet");
  return table;
}

result<> read(options& into, const char* key, const char* text) { return table().find(key)->read(&into, text); }

std::optional<std::string> print(const options& from, const char* key) { return table().find(key)->print(&from); }

}  // namespace

TEST_CASE("a table makes an owner with every default filled in") {
  const auto made = std::static_pointer_cast<options>(table().make());
  CHECK(made->most == 10);
  CHECK(print(*made, "memory") == "1MiB");
  CHECK(print(*made, "method") == "fast");
  CHECK(print(*made, "timeout") == std::nullopt);
}

TEST_CASE("each kind of option is read into its member and printed as it would be written") {
  options owner;
  REQUIRE(read(owner, "loud", "true"));
  REQUIRE(read(owner, "most", "50"));
  REQUIRE(read(owner, "memory", "64KiB"));
  REQUIRE(read(owner, "timeout", "1.5m"));
  REQUIRE(read(owner, "share", "0.25"));
  REQUIRE(read(owner, "rate", "90/m"));
  REQUIRE(read(owner, "output", "verdicts"));
  REQUIRE(read(owner, "method", "trial"));
  REQUIRE(table().find("queues")->read_list(&owner, {"a", "b"}));

  CHECK(owner.loud);
  CHECK(owner.most == 50);
  CHECK(owner.memory == 65'536);
  CHECK(owner.timeout == seconds{90});
  CHECK(owner.share == 0.25);
  CHECK(owner.rate == 1.5);
  CHECK(owner.output == "verdicts");
  CHECK(owner.kind == method::trial);
  CHECK(owner.queues == std::vector<std::string>{"a", "b"});

  CHECK(print(owner, "loud") == "true");
  CHECK(print(owner, "timeout") == "90s");
  CHECK(print(owner, "share") == "0.25");
  CHECK(print(owner, "rate") == "1.5");
  CHECK(print(owner, "method") == "trial");
  CHECK(table().find("queues")->print_list(&owner) == owner.queues);
}

TEST_CASE("a range includes both ends, and nothing changes when a value is refused") {
  options owner;
  CHECK(read(owner, "most", "1"));
  CHECK(read(owner, "most", "100"));
  CHECK(read(owner, "most", "0").error() == error{errc::out_of_range, "`0` is below 1"});
  CHECK(read(owner, "most", "101").error() == error{errc::out_of_range, "`101` is above 100"});
  CHECK(owner.most == 100);
}

TEST_CASE("a number that does not fit its member is refused") {
  struct small {
    std::uint8_t value{1};
  } number;
  const auto narrow = options_of<small>{}.count("value", &small::value, {}, "A small number.");
  CHECK(narrow.find("value")->read(&number, "255"));
  CHECK(narrow.find("value")->read(&number, "256").error().code == errc::out_of_range);
  CHECK(number.value == 255);
}

TEST_CASE("what was expected is said in the words of the option") {
  CHECK(table().find("loud")->expected == "true or false");
  CHECK(table().find("most")->expected == "a count from 1 to 100");
  CHECK(table().find("memory")->expected == "a size of at least 1");
  CHECK(table().find("timeout")->expected == "a duration from 1ms to 1h");
  CHECK(table().find("rate")->expected == "a rate like 200, 0.5 or 90/m");
  CHECK(table().find("method")->expected == "one of fast, trial");
}

TEST_CASE("wrong words are refused with what is wrong") {
  options owner;
  CHECK(read(owner, "loud", "yes").error().text == "`yes` is neither true nor false");
  CHECK(read(owner, "method", "best").error().text == "`best` is no known word");
  CHECK(read(owner, "share", "half").error().text == "`half` is not a number");
  CHECK(read(owner, "output", "").error().text == "it is empty");
}

TEST_CASE("a section is a table of its own over a part of the owner") {
  options owner;
  const option& section = *table().find("inner");
  REQUIRE(section.section->find("threads")->read(section.open_section(&owner), "7"));
  CHECK(owner.inner.threads == 7);
  CHECK(section.section->find("threads")->print(section.view_section(&owner)) == "7");
}

TEST_CASE("an optional section has no value until it is opened") {
  struct part {
    std::uint32_t attempts{3};
  };
  struct whole {
    std::optional<part> retry;
  };
  static const auto inner = options_of<part>{}.count("attempts", &part::attempts, {}, "Attempts.");
  static const auto outer = options_of<whole>{}.section("retry", &whole::retry, inner, "Retries.");
  const option& section = *outer.find("retry");
  whole owner;
  CHECK(section.view_section(&owner) == nullptr);
  REQUIRE(section.open_section(&owner) != nullptr);
  CHECK(owner.retry->attempts == 3);
  REQUIRE(inner.find("attempts")->read(section.open_section(&owner), "7"));
  CHECK(owner.retry->attempts == 7);
  CHECK(section.view_section(&owner) == &*owner.retry);
}

TEST_CASE("what is planned says so, and what is required is marked") {
  CHECK(table().find("retry")->planned == "retries are planned, not here yet");
  CHECK(table().find("method")->planned_choices.front().first == "slow");
  CHECK(table().find("queues")->required);
  CHECK(table().find("queues")->example == "numbers");
  CHECK(table().find("unknown") == nullptr);
}
