#include "base/log_rules.hpp"

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("a rule of an event names the event and a level") {
  CHECK(log::parse_event_rule("store_locked=error").value() == log::event_rule{"store_locked", log::level::error});
  CHECK(log::parse_event_rule("job_failed=off").value() == log::event_rule{"job_failed", std::nullopt});
  for (const auto* text : {"store_locked=debug", "store_locked=off"})
    CHECK(log::write_event_rule(log::parse_event_rule(text).value()) == text);
}

TEST_CASE("a rule of an unknown event or level says what is known") {
  CHECK(log::parse_event_rule("store_lokced=error").error().text ==
        "there is no event `store_lokced`, did you mean `store_locked`?");
  CHECK(log::parse_event_rule("rain=error").error().text == "there is no event `rain`");
  CHECK(log::parse_event_rule("store_locked").error().text == "`store_locked` is not EVENT=LEVEL");
  CHECK(log::parse_event_rule("store_locked=loud").error().text ==
        "`loud` is no level (debug, info, warning, error or off)");
}
