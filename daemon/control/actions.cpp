#include "control/actions.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "loop/thrown.hpp"

namespace millrace::control {

std::string_view name_of(action_state state) noexcept {
  switch (state) {
    case action_state::running:
      return "running";
    case action_state::done:
      return "done";
    case action_state::stopped:
      return "stopped";
    case action_state::failed:
      return "failed";
  }
  return "";
}

actions::actions(loop::event_loop& loop) : loop_{loop}, changed_{loop, "an action"}, tasks_{loop, running_max} {}

actions::~actions() = default;

result<std::shared_ptr<const action>> actions::start(action facts, work steps) {
  if (stopped_) return error{errc::cancelled, "The daemon drains."};
  if (running_ >= running_max || tasks_.full())
    return error{errc::refused, std::to_string(running_max) + " actions run; wait until one has ended."};
  if (!facts.id) facts.id = action_id{last_id_ + 1};
  last_id_ = std::max(last_id_, facts.id.value());
  facts.began = loop_.now();
  auto started = std::make_shared<action>(std::move(facts));
  actions_.push_front(started);
  ++running_;
  forget();
  tasks_.spawn(started->kind + "#" + std::to_string(started->id.value()), run(started, std::move(steps)));
  return std::shared_ptr<const action>{std::move(started)};
}

loop::awaitable<> actions::run(std::shared_ptr<action> facts, work steps) {
  std::exception_ptr thrown;
  try {
    co_await steps(*facts);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    facts->state = loop::is_cancellation(thrown) ? action_state::stopped : action_state::failed;
    if (facts->state == action_state::failed) facts->error = loop::text_of(thrown);
  }
  end(*facts);
}

void actions::end(action& facts) {
  if (facts.state == action_state::running) facts.state = action_state::done;
  facts.ended = loop_.now();
  --running_;
  changed_.wake_all();
  log::info("action_ended", "an action has ended",
            {{"action", facts.id.value()},
             {"kind", facts.kind},
             {"target", facts.target},
             {"state", name_of(facts.state)},
             {"done", facts.done},
             {"seen", facts.seen},
             {"unit", facts.unit},
             {"error", facts.error}});
}

void actions::forget() {
  std::size_t ended = 0;
  std::erase_if(actions_, [&](const auto& one) { return one->state != action_state::running && ++ended > ended_max; });
}

std::shared_ptr<const action> actions::find(action_id id) const {
  const auto found = std::ranges::find_if(actions_, [id](const auto& one) { return one->id == id; });
  return found == actions_.end() ? nullptr : *found;
}

std::shared_ptr<const action> actions::find_key(std::string_view key) const {
  const auto found = std::ranges::find_if(actions_, [key](const auto& one) { return one->key == key; });
  return key.empty() || found == actions_.end() ? nullptr : *found;
}

loop::awaitable<> actions::ended(std::shared_ptr<const action> awaited, instant until) {
  loop::deadline timeout{loop_, [this] { changed_.wake_all(); }};
  timeout.set(until);
  while (awaited->state == action_state::running && loop_.now() < until) co_await changed_.wait();
}

bool actions::stop(action_id id) {
  const auto found = std::ranges::find_if(actions_, [id](const auto& one) { return one->id == id; });
  if (found == actions_.end() || (*found)->state != action_state::running) return false;
  (*found)->stopping = (*found)->asked_to_stop = true;
  return true;
}

void actions::stop() {
  stopped_ = true;
  for (const auto& one : actions_) one->stopping = true;
}

loop::awaitable<> actions::close(duration patience) {
  stop();
  loop::deadline cut{loop_, [this] { tasks_.cancel(); }};
  cut.set(after(loop_.now(), patience));
  co_await tasks_.join();
}

}  // namespace millrace::control
