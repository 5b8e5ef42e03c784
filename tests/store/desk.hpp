#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "store/ballast.hpp"
#include "store/sqlite_store.hpp"

namespace millrace::testing {

/// A directory for one test, removed at its end.
class scratch_directory {
 public:
  scratch_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~scratch_directory() { std::filesystem::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string data_dir() const { return path_ + "/data"; }
  [[nodiscard]] std::string data_file() const { return data_dir() + "/millrace.db"; }
  /// Without the ballast, which has a fixed size.
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& file : std::filesystem::directory_iterator{data_dir()}) {
      if (file.path().filename() != store::ballast::file_name) sum += file.file_size();
    }
    return sum;
  }

 private:
  std::string path_;
};

/// Recovers everything at once; returns the id mark.
inline result<std::uint64_t> recover(store::store& store, store::recovery_sink sink,
                                     std::uint64_t body_bytes_max = UINT64_MAX) {
  store.begin_recovery(std::move(sink), body_bytes_max);
  for (;;) {
    const auto mark = store.recover_slice(4'096, 16u << 20);
    if (!mark) return mark.error();
    if (*mark) return **mark;
  }
}

/// The content that a store recovers at its start.
struct recovered_content {
  std::vector<engine::kept_job> jobs;
  std::vector<store::recovered_pause> pauses;
  std::uint64_t id_mark{0};
  std::vector<engine::kept_group> groups;
  engine::group_id last_group{};
  std::map<std::uint64_t, std::string> actions;
};

/// A store on a real loop, with names for queues: "q1" is queue_id 1. The loop runs on the test's thread, inside
/// `until_durable` and `close`.
class store_desk {
 public:
  explicit store_desk(const store::store_options& options, store::store_context context = {}) {
    auto opened = store::sqlite_store::open(
        loop, options, [this](queue_id queue) { return std::string_view{name_of(queue)}; }, std::move(context));
    store = std::move(opened).value();
    store->set_on_durable([this] { ++durable_reports; });
  }
  ~store_desk() {
    if (store) close();
  }

  const std::string& name_of(queue_id queue) {
    auto& name = names_[queue.value()];
    if (name.empty()) name = "q" + std::to_string(queue.value());
    return name;
  }

  recovered_content recover(std::uint64_t body_bytes_max = UINT64_MAX) {
    recovered_content found;
    const auto mark =
        testing::recover(*store,
                         {[](std::string_view name) {
                            return queue_id{static_cast<std::uint32_t>(std::stoul(std::string{name.substr(1)}))};
                          },
                          [&](engine::kept_job&& job) { found.jobs.push_back(std::move(job)); },
                          [&](const store::recovered_pause& pause) { found.pauses.push_back(pause); },
                          [&](engine::kept_group&& group) { found.groups.push_back(std::move(group)); },
                          [&](engine::group_id last) { found.last_group = last; },
                          [&](std::uint64_t action, std::string&& text) { found.actions[action] = std::move(text); }},
                         body_bytes_max);
    found.id_mark = mark.value();
    return found;
  }

  store::batch_id append(engine::change change) {
    engine::change_set changes;
    changes.push_back(std::move(change));
    return store->append(changes);
  }

  /// Turns the loop until `batch` is safe or the store has failed.
  void until_durable(store::batch_id batch) {
    until([&] { return store->durable_up_to() >= batch || !store->failure().empty(); });
  }
  void until(const std::function<bool()>& is_done) {
    while (!is_done()) {
      if (loop.run_ready() == 0) std::this_thread::yield();
    }
  }
  void close() {
    scope_.spawn("close", close_store(*store));
    loop.run();
    store.reset();
  }

  loop::event_loop loop;
  std::unique_ptr<store::sqlite_store> store;
  int durable_reports{0};

 private:
  static loop::awaitable<> close_store(store::sqlite_store& closing) { co_await closing.close(); }

  std::map<std::uint32_t, std::string> names_;
  loop::task_scope scope_{loop};
};

inline engine::job_put put_of(std::uint64_t id, std::string_view text, queue_id queue = queue_id{1}) {
  return {.job = job_id{id},
          .queue = queue,
          .state = engine::job_state::ready,
          .request = {.content = body{text}},
          .put_at = instant{seconds{1}},
          .due = {},
          .error_text = {}};
}

inline engine::job_gone gone_of(std::uint64_t id, queue_id queue = queue_id{1}) { return {job_id{id}, queue}; }

}  // namespace millrace::testing
