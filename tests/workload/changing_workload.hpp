#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

namespace millrace::testing {

/// A change of which a test names only a part.
struct wanted {
  std::vector<std::string> removed_producers{};
  std::vector<std::string> removed_consumers{};
  std::vector<workload::producer_settings> producers{};
  std::vector<workload::consumer_settings> consumers{};

  [[nodiscard]] workload::workload_change whole() const {
    return {removed_producers, removed_consumers, producers, consumers};
  }
};

/// A workload whose settings change while it runs.
struct changing : workload_fixture {
  using workload_fixture::workload_fixture;

  /// Begins to apply the change. `applied` has its result when it is over.
  void change(const wanted& part, duration patience = seconds{30}) {
    begin_change(part, patience);
    loop.run_ready();
  }
  /// As above, from the next turn of the loop on.
  void begin_change(const wanted& part, duration patience = seconds{30}) {
    auto prepared = jobs.prepare(part.whole(), {loop}, {loop, output});
    REQUIRE(prepared.has_value());
    applied.reset();
    scope.spawn("change", note_applied(*this, std::move(*prepared), patience));
  }
  static loop::awaitable<> note_applied(changing& fixture, workload::prepared_change prepared, duration patience) {
    fixture.applied = co_await fixture.jobs.apply(std::move(prepared), patience);
  }
  /// The settings of a consumer with this handler, for a change.
  workload::consumer_settings settings_of(std::string name, workload::consumer_options options, handlers::kind kind) {
    consumer(std::move(name), std::move(options), std::move(kind));
    auto settings = consumers.back();
    consumers.pop_back();
    return settings;
  }
  workload::producer_settings settings_of(std::string name, workload::producer_options options, sources::kind kind) {
    producer(std::move(name), std::move(options), std::move(kind));
    auto settings = producers.back();
    producers.pop_back();
    return settings;
  }
  /// A handler that notes bodies under its name.
  function note_as(const std::string& name) {
    return [this, name](const handlers::job& work) -> handlers::answer {
      seen.push_back(name + ":" + std::string{work.content.view()});
      return std::nullopt;
    };
  }

  std::optional<bool> applied;
};

}  // namespace millrace::testing
