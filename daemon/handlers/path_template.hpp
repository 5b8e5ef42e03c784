#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/handlers/job_template.hpp>

namespace millrace::handlers {

/// A path with placeholders. A value of a job fills a part of one name between two `/`, never several names: a path
/// that a job makes stays in the directories that the settings name. Immutable; any thread.
class path_template {
 public:
  static constexpr std::size_t name_bytes_max = 255;
  /// For the error messages and the documents of options.
  static constexpr std::string_view expected =
      "a path; ${json:/path}, ${field:N}, ${id}, ${queue} and ${attempt} in it stand for a part of a name";

  [[nodiscard]] static result<path_template> parse(std::string_view text);
  /// The text that was parsed.
  [[nodiscard]] static std::string write(const path_template& parsed) { return parsed.source_; }

  /// The path for a job. An error is `rejected`: the job makes no valid name.
  [[nodiscard]] result<std::string> fill(const job& work) const;
  [[nodiscard]] bool is_absolute() const;
  /// The text of this path in `folder`. Requires: it is not absolute.
  [[nodiscard]] std::string text_under(std::string_view folder) const;

 private:
  std::string source_;
  std::vector<job_template> names_;  ///< between the `/` of the text
};

}  // namespace millrace::handlers
