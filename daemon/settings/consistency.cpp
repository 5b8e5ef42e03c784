#include "settings/consistency.hpp"

#include <set>

#include "base/nearest.hpp"
#include "base/queue_name.hpp"
#include "settings/output_circles.hpp"
#include "store/options.hpp"

namespace millrace::settings {

namespace {

using keys = std::vector<std::string>;

/// One look at everything; lives while `check_consistency` runs.
class checker {
 public:
  checker(settings& what, const node& root, complaint_list& complaints)
      : what_{what}, root_{root}, complaints_{complaints} {
    const node* part = root_.find("queues");
    queues_known_ = part == nullptr || part->form == node::shape::map;
    for (const auto& [name, options] : what_.queues) {
      declared_.insert(name);
      names_.push_back(name);
    }
  }

  void run() {
    check_daemon();
    check_durability();
    for (const auto& each : what_.producers) check(each);
    for (const auto& each : what_.consumers) check(each);
    check_circles();
    // Beside errors these would often be their echo.
    if (complaints_.has_errors()) return;
    // A job that fails here and is mended there may well go round until it succeeds; whether it ever does, nobody can
    // say.
    for (const auto& each : find_output_circles(what_.consumers, ways_out::both))
      warning({"consumers", each.consumer}, "outputs and dead letters go in a circle: " + each.path,
              "an end for a job that always fails");
    for (const auto& each : what_.consumers) declare_dead_letter(each);
    for (const auto& [name, options] : what_.queues) warn_of(name);
  }

 private:
  void error(const keys& path, const std::string& wrong, const std::string& expected) {
    complaints_.error(place_of(root_, path), joined(path), wrong, expected);
  }
  void warning(const keys& path, const std::string& wrong, const std::string& expected) {
    complaints_.warning(place_of(root_, path), joined(path), wrong, expected);
  }
  static std::string joined(const keys& path) {
    std::string out;
    for (const std::string& key : path) out = path_of(out, key);
    return out;
  }

  void check_circles() {
    for (const auto& each : find_output_circles(what_.consumers, ways_out::outputs))
      error({"consumers", each.consumer, "output"}, "the outputs go in a circle: " + each.path, "an end to every path");
    for (const auto& each : find_output_circles(what_.consumers, ways_out::dead_letters))
      error({"consumers", each.consumer, "dead_letter"}, "the dead letters go in a circle: " + each.path,
            "an end to every path");
  }

  void check_daemon() {
    if (what_.daemon.data_dir && what_.daemon.max_job_size > store::kept_job_bytes_max)
      error({"daemon", "max_job_size"}, "a job of that size cannot be kept in daemon.data_dir",
            "at most " + std::to_string(store::kept_job_bytes_max) + " bytes, or no data_dir");
    const auto& bounds = what_.daemon.histogram_buckets;
    for (std::size_t n = 1; n < bounds.size(); ++n) {
      if (bounds[n - 1] < bounds[n]) continue;
      error({"daemon", "histogram_buckets"},
            "`" + write_duration(bounds[n]) + "` is not above `" + write_duration(bounds[n - 1]) + "`",
            "a rising list of durations like 25ms or 2.5s");
    }
    if (bounds.size() > histogram_buckets_max)
      error({"daemon", "histogram_buckets"}, "there are " + std::to_string(bounds.size()) + " bounds",
            "at most " + std::to_string(histogram_buckets_max));
    if (what_.queues.size() > what_.daemon.queues_max)
      error({"daemon", "queues_max"}, "there are " + std::to_string(what_.queues.size()) + " queues in this file",
            "a count of at least that");
  }

  void check_durability() {
    if (what_.daemon.data_dir) return;
    const auto check = [this](const keys& path, const engine::queue_options& options) {
      if (options.durability != engine::durability::memory)
        error(path, "nothing can be kept on disk without daemon.data_dir", "memory, or a data_dir");
    };
    check({"queue_defaults", "durability"}, what_.queue_defaults);
    for (const auto& [name, options] : what_.queues) check({"queues", name, "durability"}, options);
  }

  engine::durability safety_of(const std::string& queue) const {
    for (const auto& [name, options] : what_.queues)
      if (name == queue) return options.durability;
    return what_.queue_defaults.durability;
  }

  /// What a hand-off is worth: not more than the less durable of its two queues.
  void check_hand_off(const workload::consumer_settings& each, const char* key, const std::string& into) {
    for (const auto& from : each.common.queue) {
      if (safety_of(into) >= safety_of(from)) continue;
      const std::string wrong =
          "`" + into + "` is less durable than `" + from + "`: what is handed over may be lost in a crash";
      if (std::string_view{key} == "dead_letter")
        error({"consumers", each.name, key}, wrong, "a queue as durable");
      else
        warning({"consumers", each.name, key}, wrong, "a queue as durable");
      return;
    }
  }

  void check(const workload::producer_settings& each) {
    check_declared({"producers", each.name, "queue"}, each.common.queue);
    fed_.insert(each.common.queue);
    if (each.common.pattern == workload::arrivals::poisson && !each.common.rate)
      error({"producers", each.name, "arrivals"}, "poisson arrivals need a rate", "the key rate beside it");
    if (each.common.begin == workload::start::resume && safety_of(each.common.queue) == engine::durability::memory)
      error({"producers", each.name, "start"},
            "`" + each.common.queue + "` is in memory: there is no position to resume behind", "a queue on disk");
  }

  void check(const workload::consumer_settings& each) {
    const keys queue_path{"consumers", each.name, "queue"};
    std::set<std::string> seen;
    for (const std::string& queue : each.common.queue) {
      check_declared(queue_path, queue);
      drained_.insert(queue);
      if (!seen.insert(queue).second) error(queue_path, "`" + queue + "` is named twice", "each queue once");
    }
    if (each.common.output) {
      check_declared({"consumers", each.name, "output"}, *each.common.output);
      fed_.insert(*each.common.output);
      check_hand_off(each, "output", *each.common.output);
    }
    if (each.common.dead_letter) {
      fed_.insert(*each.common.dead_letter);
      check_hand_off(each, "dead_letter", *each.common.dead_letter);
      if (!is_queue_name(*each.common.dead_letter))
        check_declared({"consumers", each.name, "dead_letter"}, *each.common.dead_letter);
      if (seen.contains(*each.common.dead_letter))
        error({"consumers", each.name, "dead_letter"}, "a failed job would come back to the queue it failed in",
              "another queue");
    }
    if (each.common.run_on != offload::place::loop && each.kind != nullptr && !each.kind->computes)
      error({"consumers", each.name, "run_on"}, "the handler `" + each.kind->name + "` runs on the loop only", "loop");
  }

  void check_declared(const keys& path, const std::string& queue) {
    // An empty name, and queues that could not be read, were complained about where they stand.
    if (queue.empty() || declared_.contains(queue) || !queues_known_) return;
    error(path, "there is no queue " + quoted(queue) + question_for(queue), "a name from queues");
  }

  /// A queue of failed jobs need not be declared.
  void declare_dead_letter(const workload::consumer_settings& each) {
    if (!each.common.dead_letter || declared_.contains(*each.common.dead_letter)) return;
    const std::string& queue = *each.common.dead_letter;
    warning({"consumers", each.name, "dead_letter"},
            quoted(queue) + " is not among the queues: it gets the defaults" + question_for(queue),
            "a name from queues");
    declared_.insert(queue);
    drained_.insert(queue);
    what_.queues.emplace_back(queue, what_.queue_defaults);
  }

  static std::string quoted(const std::string& queue) { return "`" + shortened(queue, queue_name_bytes_max) + "`"; }
  std::string question_for(const std::string& queue) {
    const std::string meant = complaints_.full() ? "" : nearest(queue, names_);
    return meant.empty() ? "" : ", did you mean `" + meant + "`?";
  }

  void warn_of(const std::string& queue) {
    if (what_.daemon.beanstalk) return;  // clients put into any queue and take from any
    if (!fed_.contains(queue)) warning({"queues", queue}, "nothing puts into it", "a producer, or an output");
    if (!drained_.contains(queue)) warning({"queues", queue}, "nothing takes from it", "a consumer");
  }

  settings& what_;
  const node& root_;
  complaint_list& complaints_;
  bool queues_known_{true};
  std::set<std::string> declared_;
  std::vector<std::string> names_;
  std::set<std::string> fed_;
  std::set<std::string> drained_;
};

}  // namespace

void check_consistency(settings& what, const node& root, complaint_list& complaints) {
  checker{what, root, complaints}.run();
}

}  // namespace millrace::settings
