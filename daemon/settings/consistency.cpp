#include "settings/consistency.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/nearest.hpp"
#include "base/queue_name.hpp"
#include "settings/output_cycles.hpp"
#include "store/options.hpp"

namespace millrace::settings {

namespace {

using keys = std::vector<std::string>;

class checker {
 public:
  checker(settings& all, const node& root, diagnostic_list& diagnostics)
      : settings_{all}, root_{root}, diagnostics_{diagnostics} {
    const node* queues = root_.find("queues");
    queues_known_ = queues == nullptr || queues->form == node::shape::map;
    for (const auto& [name, options] : settings_.queues) {
      declared_.insert(name);
      names_.push_back(name);
      options_.emplace(name, &options);
    }
  }

  void run() {
    check_daemon();
    check_durability();
    check_retry({"queue_defaults", "retry"}, settings_.queue_defaults.retry);
    check_dead_letter({"queue_defaults", "dead_letter"}, {}, settings_.queue_defaults);
    for (const auto& [name, options] : settings_.queues) check(name, options);
    for (const auto& producer : settings_.producers) producers_.push_back(producer.name);
    for (const auto& producer : settings_.producers) check(producer);
    for (const auto& consumer : settings_.consumers) check(consumer);
    check_cycles();
    // An error is often the cause of a warning below.
    if (diagnostics_.has_errors()) return;
    // Only a warning: a failed job may succeed after another handler has changed it.
    const auto dead_letter_of = [this](const std::string& queue) { return options_of(queue).dead_letter; };
    for (const auto& cycle : find_output_cycles(settings_.consumers, followed_edges::both, dead_letter_of))
      warning({"consumers", cycle.consumer}, "outputs and dead letters form a cycle: " + cycle.path,
              "an end for a job that always fails");
    for (const auto& consumer : settings_.consumers) declare_dead_letter(consumer);
    for (const auto& [name, options] : settings_.queues) warn_if_unconnected(name);
  }

 private:
  void error(const keys& path, const std::string& problem, const std::string& expected) {
    diagnostics_.error(position_of(root_, path), path_of(path), problem, expected);
  }
  void warning(const keys& path, const std::string& problem, const std::string& expected) {
    diagnostics_.warning(position_of(root_, path), path_of(path), problem, expected);
  }

  void check_cycles() {
    for (const auto& cycle : find_producer_cycles(settings_.producers))
      error({"producers", cycle.producer, "after"}, "producers wait for each other: " + cycle.path,
            "producers that do not wait for this one");
    for (const auto& cycle : find_output_cycles(settings_.consumers, followed_edges::outputs))
      error({"consumers", cycle.consumer, "output"}, "the outputs form a cycle: " + cycle.path, "outputs that end");
    for (const auto& cycle : find_output_cycles(settings_.consumers, followed_edges::dead_letters))
      error({"consumers", cycle.consumer, "dead_letter"}, "the dead letter queues form a cycle: " + cycle.path,
            "dead letter queues that end");
  }

  void check_daemon() {
    if (settings_.daemon.data_dir && settings_.daemon.max_job_size > store::kept_job_bytes_max)
      error({"daemon", "max_job_size"}, "a job of this size cannot be stored in daemon.data_dir",
            "at most " + std::to_string(store::kept_job_bytes_max) + " bytes, or no data_dir");
    const auto& bounds = settings_.daemon.histogram_buckets;
    for (std::size_t n = 1; n < bounds.size(); ++n) {
      if (bounds[n - 1] < bounds[n]) continue;
      error({"daemon", "histogram_buckets"},
            "`" + write_duration(bounds[n]) + "` is not above `" + write_duration(bounds[n - 1]) + "`",
            "a rising list of durations like 25ms or 2.5s");
    }
    if (bounds.size() > histogram_buckets_max)
      error({"daemon", "histogram_buckets"}, "there are " + std::to_string(bounds.size()) + " bounds",
            "at most " + std::to_string(histogram_buckets_max));
    if (settings_.queues.size() > settings_.daemon.queues_max)
      error({"daemon", "queues_max"}, "there are " + std::to_string(settings_.queues.size()) + " queues in this file",
            "at least this count");
  }

  void check_durability() {
    if (settings_.daemon.data_dir) return;
    const auto check = [this](const keys& path, const engine::queue_options& options) {
      if (options.durability != engine::durability::memory)
        error(path, "jobs cannot be stored on disk without daemon.data_dir", "memory, or a data_dir");
    };
    check({"queue_defaults", "durability"}, settings_.queue_defaults);
    for (const auto& [name, options] : settings_.queues) check({"queues", name, "durability"}, options);
  }

  [[nodiscard]] const engine::queue_options& options_of(const std::string& queue) const {
    const auto found = options_.find(queue);
    return found == options_.end() ? settings_.queue_defaults : *found->second;
  }
  [[nodiscard]] engine::durability durability_of(const std::string& queue) const {
    return options_of(queue).durability;
  }

  [[nodiscard]] const node* find_node(const keys& path) const {
    const node* found = &root_;
    for (const auto& key : path) {
      if (found == nullptr || found->form != node::shape::map) return nullptr;
      found = found->find(key);
    }
    return found;
  }

  /// `path` is that of the map, which may be absent: then there is nothing to check that was not checked elsewhere.
  void check_retry(const keys& path, const engine::retry_options& retry) {
    const node* const given = find_node(path);
    if (given == nullptr || given->form != node::shape::map) return;
    const auto key = [&path](const char* name) {
      keys extended = path;
      extended.emplace_back(name);
      return extended;
    };
    const std::string first = write_duration(retry.first);
    if (retry.max < retry.first)
      error(key("max"), "the longest wait, " + write_duration(retry.max) + ", is shorter than the first one",
            "at least " + first + ", the value of first");
    if (retry.within && *retry.within < retry.first)
      error(key("within"), "no attempt could follow: the first wait is longer than " + write_duration(*retry.within),
            "at least " + first + ", the value of first");
    if (retry.attempts == 1 && !given->keys.empty() && given->find("attempts") == nullptr)
      warning(path, "attempts is 1, so no job is tried again", "attempts: 2 or more");
  }

  /// `queue` is empty for the defaults of queues.
  void check_dead_letter(const keys& path, const std::string& queue, const engine::queue_options& options) {
    const std::string& target = options.dead_letter;
    if (target.empty()) return;
    if (find_node(path) != nullptr) {
      if (target == queue) return error(path, "the queue is its own dead letter queue", "another queue");
      check_declared(path, target);
    }
    fed_.insert(target);
    drained_.insert(target);  // a person may redrive its jobs
    if (durability_of(target) < options.durability) {
      const std::string source = queue.empty() ? "the default" : "`" + queue + "`";
      error(path, "`" + target + "` is less durable than " + source + ": a crash may lose jobs that move to it",
            "a queue as durable");
    }
  }

  void check(const std::string& queue, const engine::queue_options& options) {
    check_retry({"queues", queue, "retry"}, options.retry);
    check_dead_letter({"queues", queue, "dead_letter"}, queue, options);
  }

  /// A job that moves to a less durable queue loses durability.
  void check_target(const workload::consumer_settings& consumer, const char* key, const std::string& target) {
    for (const auto& source : consumer.common.queue) {
      if (durability_of(target) >= durability_of(source)) continue;
      const std::string problem =
          "`" + target + "` is less durable than `" + source + "`: a crash may lose jobs that move to it";
      if (std::string_view{key} == "dead_letter")
        error({"consumers", consumer.name, key}, problem, "a queue as durable");
      else
        warning({"consumers", consumer.name, key}, problem, "a queue as durable");
      return;
    }
  }

  void check(const workload::producer_settings& producer) {
    check_declared({"producers", producer.name, "queue"}, producer.common.queue);
    fed_.insert(producer.common.queue);
    if (producer.common.pattern == workload::arrivals::poisson && !producer.common.rate)
      error({"producers", producer.name, "arrivals"}, "poisson arrivals need a rate", "the key rate as well");
    if (producer.common.order_by && producer.common.priority != engine::default_priority)
      error({"producers", producer.name, "priority"}, "order_by gives each job its own priority",
            "one of priority and order_by");
    const bool resumes = producer.common.begin == workload::start::resume;
    if (resumes && durability_of(producer.common.queue) == engine::durability::memory)
      error({"producers", producer.name, "start"},
            "`" + producer.common.queue + "` is in memory, so no position is stored to resume from", "a queue on disk");
    check_group(producer);
    check_after(producer);
  }

  void check_group(const workload::producer_settings& producer) {
    const auto& group = producer.common.group;
    // Groups are found by their names after a restart.
    if (!group_names_.insert(producer.group_name()).second)
      error(group && group->name ? keys{"producers", producer.name, "group", "name"} : keys{"producers", producer.name},
            "another producer has a group named `" + producer.group_name() + "`", "another name");
    if (!group) return;
    const keys then_path{"producers", producer.name, "group", "then"};
    check_declared(then_path, group->then);
    fed_.insert(group->then);
    if (durability_of(group->then) < durability_of(producer.common.queue))
      warning(
          then_path,
          "`" + group->then + "` is less durable than `" + producer.common.queue + "`: a crash may lose the outcome",
          "a queue as durable");
  }

  void check_after(const workload::producer_settings& producer) {
    const keys path{"producers", producer.name, "after"};
    std::set<std::string> seen;
    for (const auto& name : producer.common.after) {
      if (!seen.insert(name).second) error(path, "`" + name + "` is named twice", "each producer once");
      if (std::ranges::find(producers_, name) != producers_.end()) continue;
      const std::string suggestion = diagnostics_.full() ? "" : nearest(name, producers_);
      error(path,
            "there is no producer `" + name + "`" + (suggestion.empty() ? "" : ", did you mean `" + suggestion + "`?"),
            "a name from producers");
    }
  }

  void check(const workload::consumer_settings& consumer) {
    const keys queue_path{"consumers", consumer.name, "queue"};
    std::set<std::string> seen;
    for (const std::string& queue : consumer.common.queue) {
      check_declared(queue_path, queue);
      drained_.insert(queue);
      if (!seen.insert(queue).second) error(queue_path, "`" + queue + "` is named twice", "each queue once");
    }
    if (consumer.common.output) {
      check_declared({"consumers", consumer.name, "output"}, *consumer.common.output);
      fed_.insert(*consumer.common.output);
      check_target(consumer, "output", *consumer.common.output);
    } else if (consumer.common.output_order_by) {
      error({"consumers", consumer.name, "output_order_by"}, "there is no output to order", "the key output as well");
    }
    if (consumer.common.dead_letter) {
      fed_.insert(*consumer.common.dead_letter);
      check_target(consumer, "dead_letter", *consumer.common.dead_letter);
      if (!is_queue_name(*consumer.common.dead_letter))
        check_declared({"consumers", consumer.name, "dead_letter"}, *consumer.common.dead_letter);
      if (seen.contains(*consumer.common.dead_letter))
        error({"consumers", consumer.name, "dead_letter"}, "a failed job would return to the queue in which it failed",
              "another queue");
    }
    if (consumer.common.retry) check_retry({"consumers", consumer.name, "retry"}, *consumer.common.retry);
    check_handlers(consumer);
  }

  void check_handlers(const workload::consumer_settings& consumer) {
    const auto steps = consumer.all_steps();
    const auto stays_on_loop = [](const workload::step_settings& step) {
      return step.kind != nullptr && !step.kind->computes;
    };
    if (consumer.common.run_on != offload::execution_site::loop && std::ranges::all_of(steps, stays_on_loop))
      error({"consumers", consumer.name, "run_on"},
            steps.size() > 1 ? "all handlers can run on the loop only"
                             : "the handler `" + steps.front().kind->name + "` can run on the loop only",
            "loop");
    for (std::size_t n = 0; n < steps.size(); ++n) {
      if (steps[n].kind == nullptr || !steps[n].kind->find_problem) continue;
      const auto found = steps[n].kind->find_problem(steps[n].kind_options.get());
      if (!found) continue;
      keys path{"consumers", consumer.name};
      if (!consumer.steps.empty()) path.insert(path.end(), {"steps", std::to_string(n + 1)});
      path.push_back(found->key);
      error(path, found->problem, found->expected);
    }
  }

  void check_declared(const keys& path, const std::string& queue) {
    // An empty name, and a section that could not be read, have their own diagnostics.
    if (queue.empty() || declared_.contains(queue) || !queues_known_) return;
    error(path, "there is no queue " + quoted(queue) + suggestion_for(queue), "a name from queues");
  }

  /// A dead letter queue need not be declared.
  void declare_dead_letter(const workload::consumer_settings& consumer) {
    if (!consumer.common.dead_letter || declared_.contains(*consumer.common.dead_letter)) return;
    const std::string& queue = *consumer.common.dead_letter;
    warning({"consumers", consumer.name, "dead_letter"},
            quoted(queue) + " is not declared in queues, so it gets the defaults" + suggestion_for(queue),
            "a name from queues");
    declared_.insert(queue);
    drained_.insert(queue);
    settings_.queues.emplace_back(queue, settings_.queue_defaults);
  }

  static std::string quoted(const std::string& queue) { return "`" + shortened(queue, queue_name_bytes_max) + "`"; }
  std::string suggestion_for(const std::string& queue) {
    const std::string suggestion = diagnostics_.full() ? "" : nearest(queue, names_);
    return suggestion.empty() ? "" : ", did you mean `" + suggestion + "`?";
  }

  void warn_if_unconnected(const std::string& queue) {
    if (settings_.daemon.beanstalk) return;  // clients may put into every queue and reserve from it
    if (!fed_.contains(queue))
      warning({"queues", queue}, "no jobs are put into this queue", "a producer, or an output");
    if (!drained_.contains(queue)) warning({"queues", queue}, "no jobs are taken from this queue", "a consumer");
  }

  settings& settings_;
  const node& root_;
  diagnostic_list& diagnostics_;
  bool queues_known_{true};
  std::set<std::string> declared_;
  std::vector<std::string> names_;
  std::map<std::string_view, const engine::queue_options*> options_;  ///< valid until `settings_.queues` grows
  std::vector<std::string> producers_;
  std::set<std::string> group_names_;
  std::set<std::string> fed_;
  std::set<std::string> drained_;
};

}  // namespace

void check_consistency(settings& settings, const node& root, diagnostic_list& diagnostics) {
  checker{settings, root, diagnostics}.run();
}

}  // namespace millrace::settings
