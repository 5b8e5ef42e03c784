#include "settings/difference.hpp"

#include "settings/load.hpp"
#include "settings_support.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::settings;

namespace {

millrace::settings::settings read(const std::string& text) {
  auto loaded = load_text(text, "f", test_vocabulary());
  CAPTURE(text_of(loaded.diagnostics));
  REQUIRE(loaded.value);
  return std::move(*loaded.value);
}

using names = std::vector<std::string>;

constexpr auto before = R"(
queues: { puddle: { max_jobs: 5 }, flour: {} }
producers:
  leak: { kind: drip, queue: puddle, drops: 7 }
consumers:
  grind: { queue: puddle, handler: mill, output: flour }
  drink: { queue: flour, handler: cup }
)";

}  // namespace

TEST_CASE("the same settings have no difference, also when one names the defaults and in another order") {
  const auto same = compare(read(before), read(R"(
daemon: { drain_timeout: 30s }
queues: { flour: { overflow: block }, puddle: { max_jobs: 5 } }
consumers:
  drink: { queue: flour, handler: cup, concurrency: 1 }
  grind: { queue: puddle, handler: mill, output: flour }
producers:
  leak: { kind: drip, queue: puddle, drops: 7 }
)"));
  CHECK(same.empty());
  CHECK(same.lines().empty());
}

TEST_CASE("queues, producers and consumers are added, removed and changed by name") {
  const auto changes = compare(read(before), read(R"(
queues: { puddle: { max_jobs: 6 }, bread: {} }
producers:
  leak: { kind: drip, queue: puddle, drops: 8 }
  rain: { kind: drip, queue: puddle }
consumers:
  grind: { queue: puddle, handler: mill, output: bread }
  eat: { queue: bread, handler: cup }
)"));
  CHECK(changes.queues.added == names{"bread"});
  CHECK(changes.queues.changed == names{"puddle"});
  CHECK(changes.queues.removed == names{"flour"});
  CHECK(changes.producers.added == names{"rain"});
  CHECK(changes.producers.changed == names{"leak"});
  CHECK(changes.producers.removed.empty());
  CHECK(changes.consumers.added == names{"eat"});
  CHECK(changes.consumers.changed == names{"grind"});
  CHECK(changes.consumers.removed == names{"drink"});
  CHECK(changes.fixed.empty());
  CHECK(changes.lines() == names{"queue bread: added", "queue puddle: changed", "queue flour: removed",
                                 "producer rain: added", "producer leak: changed", "consumer eat: added",
                                 "consumer grind: changed", "consumer drink: removed"});
}

TEST_CASE("another kind, and a list in another order, are changes") {
  const std::string start = "queues: { a: {}, b: {} }\n";
  const auto consumer = [&](const std::string& text) { return read(start + "consumers: { c: " + text + " }\n"); };
  const auto first = consumer("{ queue: [a, b], handler: mill }");
  CHECK(compare(first, consumer("{ queue: [a, b], handler: cup }")).consumers.changed == names{"c"});
  CHECK(compare(first, consumer("{ queue: [b, a], handler: mill }")).consumers.changed == names{"c"});
  CHECK(compare(first, consumer("{ queue: [a, b], handler: mill, timeout: 1s }")).consumers.changed == names{"c"});
}

TEST_CASE("other defaults change the queues that do not name them") {
  const auto changes = compare(read("queues: { a: {}, b: { max_jobs: 7 } }\n"),
                               read("queue_defaults: { max_jobs: 9 }\nqueues: { a: {}, b: { max_jobs: 7 } }\n"));
  CHECK(changes.queue_defaults);
  CHECK(changes.queues.changed == names{"a"});
}

TEST_CASE("a retry that is given, left out or changed is a change, of a queue as of a consumer") {
  const auto with = [&](const std::string& queue, const std::string& consumer) {
    return read("queues: { a: { " + queue + " } }\nconsumers: { c: { queue: a, handler: mill" + consumer + " } }\n");
  };
  const auto plain = with("", "");
  CHECK(compare(plain, with("retry: { attempts: 1 }", "")).empty());
  CHECK(compare(plain, with("retry: { attempts: 2 }", "")).queues.changed == names{"a"});
  CHECK(compare(plain, with("expire_after: 1s", "")).queues.changed == names{"a"});
  CHECK(compare(plain, with("deliveries_max: 1", "")).queues.changed == names{"a"});
  const auto own = with("", ", retry: { attempts: 1 }");
  CHECK(compare(plain, own).consumers.changed == names{"c"});
  CHECK(compare(own, plain).consumers.changed == names{"c"});
  CHECK(compare(own, own).empty());
  CHECK(compare(own, with("", ", retry: { attempts: 3 }")).consumers.changed == names{"c"});
}

TEST_CASE("options of the daemon change in place or are refused, each by name, position and present value") {
  const std::string next = R"(
daemon:
  drain_timeout: 5s
  stall_threshold: 1s
  queues_max: 1000
  metrics_linger: 1m
  log: { level: debug, events: [job_failed=off] }
  http: 127.0.0.1:1
  offload: { threads: 3 }
  histogram_buckets: [1s, 2s]
)";
  const auto loaded = load_text(next, "f", test_vocabulary());
  REQUIRE(loaded.value);
  const auto changes = compare(read("daemon: { beanstalk: 'unix:/b' }\n"), *loaded.value);
  CHECK(changes.daemon_keys ==
        names{"drain_timeout", "stall_threshold", "log.level", "log.events", "queues_max", "metrics_linger"});
  CHECK(
      text_of(refusals_of(changes, "f", loaded.root)) ==
      "f:2:1: daemon.beanstalk: cannot change while the daemon runs (expected `unix:/b`, or a restart of the daemon)\n"
      "f:8:9: daemon.http: cannot change while the daemon runs (expected `127.0.0.1:9464`, or a restart of the "
      "daemon)\n"
      "f:9:23: daemon.offload.threads: cannot change while the daemon runs (expected `0`, or a restart of the "
      "daemon)\n"
      "f:10:3: daemon.histogram_buckets: cannot change while the daemon runs (expected `[]`, or a restart of the "
      "daemon)\n");
}

TEST_CASE("a queue keeps its durability while the daemon runs") {
  const std::string stored = "daemon: { data_dir: d }\nqueues: { a: {}, b: {} }\n";
  const std::string next =
      "daemon: { data_dir: d }\nqueues: { a: { durability: relaxed }, c: { durability: memory } }\n";
  const auto loaded = load_text(next, "f", test_vocabulary());
  REQUIRE(loaded.value);
  CHECK(text_of(refusals_of(compare(read(stored), *loaded.value), "f", loaded.root)) ==
        "f:2:28: queues.a.durability: cannot change while the daemon runs (expected `sync`, or a restart of the "
        "daemon)\n");
}
