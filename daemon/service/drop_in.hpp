#pragma once

#include <optional>
#include <string>

#include <millrace/base/result.hpp>

#include "settings/settings.hpp"

namespace millrace::service {

/// beanstalkd's command line: what was given of it, as written.
struct drop_in_options {
  std::optional<std::string> listen{};      ///< -l ADDR or unix:PATH
  std::optional<std::string> port{};        ///< -p
  std::optional<std::string> job_bytes{};   ///< -z
  std::optional<std::string> http{};        ///< --http, ours
  std::optional<std::string> user{};        ///< -u
  std::optional<std::string> data_dir{};    ///< -b
  std::optional<std::string> sync_after{};  ///< -f, in milliseconds
  bool never_sync{false};                   ///< -F
  std::optional<std::string> log_bytes{};   ///< -s, which means nothing here

  /// Some of beanstalkd's was given: there is no settings file.
  [[nodiscard]] bool any() const noexcept { return listen || port || job_bytes || user || data_dir; }
};

/// What a settings file would say. Queues refuse what is beyond their limits, since clients of beanstalkd know that
/// answer. The error names the option.
[[nodiscard]] result<settings::settings> settings_of(const drop_in_options& given);

}  // namespace millrace::service
