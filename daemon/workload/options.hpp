#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/sources/registry.hpp>

#include "engine/command.hpp"
#include "engine/group_facts.hpp"
#include "engine/retry_options.hpp"
#include "offload/run_on.hpp"
#include "workload/job_order.hpp"

namespace millrace::workload {

enum class arrivals { constant, poisson };
/// Where a producer begins when there is a position from before the restart.
enum class start { resume, again };

/// `group`: the jobs of one run of a producer are a group (engine/group_facts.hpp).
struct producer_group_options {
  std::optional<std::string> name{};  ///< none: that of the producer
  std::string then{};                 ///< the queue for the outcome
  engine::group_end when{engine::group_end::all};
  engine::remaining_members remaining{engine::remaining_members::keep};

  friend bool operator==(const producer_group_options&, const producer_group_options&) = default;
};
[[nodiscard]] const options_of<producer_group_options>& producer_group_option_table();

/// The options of every producer, whatever its kind.
struct producer_options {
  std::string queue{};
  std::optional<double> rate{};  ///< bodies a second; none: as fast as the queue takes them
  arrivals pattern{arrivals::constant};
  std::optional<std::uint64_t> limit{};  ///< bodies in all, those before a restart included
  std::optional<duration> run_for{};     ///< `for`: from the start
  engine::priority priority{engine::default_priority};
  duration delay{0};
  duration ttr{engine::default_ttr};
  std::uint32_t in_flight{1'024};          ///< puts that wait for their commit
  std::uint64_t seed{1};                   ///< of Poisson arrivals
  std::optional<start> begin{};            ///< `start`; none: `resume` where there is a position
  std::optional<duration> expire_after{};  ///< from the put; none: as its queue says
  std::optional<producer_group_options> group{};
  std::vector<std::string> after{};     ///< producers whose jobs must have ended before it begins
  std::optional<job_order> order_by{};  ///< none: all its jobs have `priority`
};
[[nodiscard]] const options_of<producer_options>& producer_option_table();

/// The options of every consumer, whatever its handler.
struct consumer_options {
  std::vector<std::string> queue{};  ///< one or several
  offload::execution_site run_on{offload::execution_site::loop};
  std::uint32_t concurrency{1};
  std::optional<duration> timeout{};
  std::optional<std::string> output{};
  std::optional<std::string> dead_letter{};      ///< none: that of the queue
  std::optional<engine::retry_options> retry{};  ///< none: that of the queue
  std::optional<handlers::job_template> job_name{};
  std::optional<job_order> output_order_by{};  ///< none: outputs have the default priority
  std::uint32_t repeat{1};                     ///< how often the steps are done
};
[[nodiscard]] const options_of<consumer_options>& consumer_option_table();

/// A producer as settings describe it: its own options and those of its kind.
struct producer_settings {
  std::string name;
  producer_options common;
  const sources::kind* kind{nullptr};
  std::shared_ptr<void> kind_options;

  /// The name of the group of each of its runs.
  [[nodiscard]] const std::string& group_name() const noexcept {
    return common.group && common.group->name ? *common.group->name : name;
  }
};

/// A handler of a consumer, with the options of its kind.
struct step_settings {
  const handlers::kind* kind{nullptr};
  std::shared_ptr<void> kind_options{};
};
inline constexpr std::size_t steps_max = 100;

struct consumer_settings {
  std::string name;
  consumer_options common;
  const handlers::kind* kind{nullptr};  ///< null: it has steps
  std::shared_ptr<void> kind_options{};
  std::vector<step_settings> steps{};

  /// Its steps, or the only one.
  [[nodiscard]] std::vector<step_settings> all_steps() const {
    return steps.empty() ? std::vector<step_settings>{{kind, kind_options}} : steps;
  }
};

/// `--mode`: overrides every `run_on`. `sequential`: one job at a time in the whole program, by the time it became
/// ready, then by id.
enum class mode { as_set, sequential, loop, threads, processes };

}  // namespace millrace::workload
