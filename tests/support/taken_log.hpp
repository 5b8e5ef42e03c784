#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.hpp"

namespace millrace::testing {

/// Takes the log for as long as it lives. A line is kept as its event, followed by the texts of the fields named in
/// `keys`; the key `sentence` stands for its sentence.
class taken_log {
 public:
  explicit taken_log(std::vector<std::string_view> keys) {
    log::sink sink;
    sink.render = [keys = std::move(keys)](const log::record& line, wall_time) {
      std::string text{line.event};
      for (const auto key : keys) {
        if (key == "sentence") text.append(": ").append(line.sentence);
        for (const log::field& field : line.fields) {
          if (field.key == key) text.append(" ").append(std::get<std::string_view>(field.value));
        }
      }
      return text;
    };
    sink.deliver = [this](log::level, std::string_view rendered) {
      const std::lock_guard held{mutex_};
      lines_.emplace_back(rendered);
      taken_.notify_all();
    };
    log::start(std::move(sink), log::level::debug);
  }
  ~taken_log() { finish(); }
  taken_log(const taken_log&) = delete;
  taken_log& operator=(const taken_log&) = delete;

  /// Blocks until `count` lines that begin with `event` were taken. Throws when that takes a minute.
  void wait_for(std::string_view event, std::ptrdiff_t count) {
    std::unique_lock held{mutex_};
    const auto is_event = [event](const std::string& line) { return line.starts_with(event); };
    const auto all_taken = [&] { return std::count_if(lines_.begin(), lines_.end(), is_event) >= count; };
    if (!taken_.wait_for(held, seconds{60}, all_taken)) throw std::runtime_error{"the log has not enough such lines"};
  }
  /// Ends the taking and returns every line.
  const std::vector<std::string>& finish() {
    if (!std::exchange(finished_, true)) log::stop(seconds{60});
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<std::string> lines_;
  bool finished_{false};
};

}  // namespace millrace::testing
