#pragma once

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
    sink.deliver = [this](log::level, std::string_view rendered) { lines_.emplace_back(rendered); };
    log::start(std::move(sink), log::level::debug);
  }
  ~taken_log() { finish(); }
  taken_log(const taken_log&) = delete;
  taken_log& operator=(const taken_log&) = delete;

  /// Ends the taking and returns every line.
  const std::vector<std::string>& finish() {
    if (!std::exchange(finished_, true)) log::stop(seconds{60});
    return lines_;
  }

 private:
  std::vector<std::string> lines_;
  bool finished_{false};
};

}  // namespace millrace::testing
