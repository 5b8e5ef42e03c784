#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace millrace::testing {

/// A store in which each call is a batch of its own. The test decides when it commits and when it reads bodies.
class manual_store final : public store::store {
 public:
  using batch_id = millrace::store::batch_id;

  batch_id append(engine::change_set& changes) override { return take(changes); }
  batch_id append_relaxed(engine::change_set& changes) override { return take(changes); }
  batch_id reserve_ids(std::uint64_t) override { return ++newest; }
  [[nodiscard]] batch_id durable_up_to() const override { return durable; }
  void set_on_durable(std::function<void()> moved) override { on_durable_ = std::move(moved); }
  [[nodiscard]] bool is_persistent() const override { return true; }
  [[nodiscard]] bool lagging() const override { return is_late; }
  [[nodiscard]] bool reads_bodies() const override { return true; }
  void read_bodies(std::span<const job_id> jobs) override { wanted_.insert(wanted_.end(), jobs.begin(), jobs.end()); }
  void set_on_body_read(body_taker taker) override { on_read_ = std::move(taker); }

  void commit(batch_id up_to) {
    durable = up_to;
    on_durable_();
  }
  void commit_all() { commit(newest); }
  void read_wanted_bodies() {
    for (const auto job : std::exchange(wanted_, {})) on_read_(job, body{bodies_.at(job)});
  }

  batch_id newest{0};
  batch_id durable{0};
  bool is_late{false};

 private:
  batch_id take(engine::change_set& changes) {
    for (const auto& change : changes) {
      if (const auto* const put = std::get_if<engine::job_put>(&change)) bodies_[put->job] = put->request.content;
    }
    changes.clear();
    return ++newest;
  }

  std::map<job_id, body> bodies_;
  std::vector<job_id> wanted_;
  std::function<void()> on_durable_;
  body_taker on_read_;
};

}  // namespace millrace::testing
