#include "handlers/catalogue.hpp"

#include "handlers/program.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

TEST_CASE("the catalogue has every built-in handler under its name", "[catalogue]") {
  registry all;
  add_all(all);
  CHECK(all.names() == std::vector<std::string>{"activity", "block", "exec", "fail", "file", "hash", "http", "noop",
                                                "prime", "print", "sleep", "spin", "worker"});
  CHECK(all.find("prime")->name == "prime");
  CHECK(all.find("primes") == nullptr);
}

TEST_CASE("each handler can be made with its defaults, and block, hash, prime and spin compute", "[catalogue]") {
  registry all;
  add_all(all);
  handler_fixture fixture;
  for (const std::string& name : all.names()) {
    CAPTURE(name);
    const kind& handler_kind = *all.find(name);
    CHECK_FALSE(handler_kind.summary.empty());
    const std::shared_ptr<void> options = handler_kind.options->make();
    const result<handler> made = handler_kind.make(options.get(), fixture.context);
    REQUIRE(made.has_value());
    CHECK(handler_kind.computes == std::holds_alternative<std::unique_ptr<computing_handler>>(*made));
    CHECK(handler_kind.computes == (name == "block" || name == "hash" || name == "prime" || name == "spin"));
  }
}

TEST_CASE("the options of prime are read within their ranges", "[catalogue]") {
  registry all;
  add_all(all);
  const option_table& table = *all.find("prime")->options;
  const std::shared_ptr<void> options = table.make();
  CHECK(table.find("method")->read(options.get(), "trial").has_value());
  CHECK_FALSE(table.find("method")->read(options.get(), "guess").has_value());
  CHECK(table.find("bits_max")->read(options.get(), "1048576").has_value());
  CHECK_FALSE(table.find("bits_max")->read(options.get(), "1048577").has_value());
  CHECK_FALSE(table.find("bits_max")->read(options.get(), "0").has_value());
}
