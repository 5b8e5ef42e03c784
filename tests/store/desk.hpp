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

/// A directory of its own for one test, gone after it.
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
  /// Without the ballast, which is as large as it is.
  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t all = 0;
    for (const auto& file : std::filesystem::directory_iterator{data_dir()}) {
      if (file.path().filename() != store::ballast::file_name) all += file.file_size();
    }
    return all;
  }

 private:
  std::string path_;
};

/// Brings all back at once; gives the id mark.
inline result<std::uint64_t> recover(store::store& store, store::recovery_sink sink,
                                     std::uint64_t body_bytes_max = UINT64_MAX) {
  store.begin_recovery(std::move(sink), body_bytes_max);
  for (;;) {
    const auto mark = store.recover_slice(4'096, 16u << 20);
    if (!mark) return mark.error();
    if (*mark) return **mark;
  }
}

/// What a store gives back at its start.
struct memory_of_store {
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
    auto made = store::sqlite_store::open(
        loop, options, [this](queue_id queue) { return std::string_view{name_of(queue)}; }, std::move(context));
    it = std::move(made).value();
    it->set_on_durable([this] { ++told; });
  }
  ~store_desk() {
    if (it) close();
  }

  const std::string& name_of(queue_id queue) {
    auto& name = names_[queue.value()];
    if (name.empty()) name = "q" + std::to_string(queue.value());
    return name;
  }

  memory_of_store recover(std::uint64_t body_bytes_max = UINT64_MAX) {
    memory_of_store found;
    const auto mark =
        testing::recover(*it,
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

  store::batch_id append(engine::change one) {
    engine::change_set all;
    all.push_back(std::move(one));
    return it->append(all);
  }

  /// Turns the loop until `batch` is safe or the store has failed.
  void until_durable(store::batch_id batch) {
    until([&] { return it->durable_up_to() >= batch || !it->failure().empty(); });
  }
  void until(const std::function<bool()>& so) {
    while (!so()) {
      if (loop.run_ready() == 0) std::this_thread::yield();
    }
  }
  void close() {
    scope_.spawn("close", close_store(*it));
    loop.run();
    it.reset();
  }

  loop::event_loop loop;
  std::unique_ptr<store::sqlite_store> it;
  int told{0};

 private:
  static loop::awaitable<> close_store(store::sqlite_store& which) { co_await which.close(); }

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
