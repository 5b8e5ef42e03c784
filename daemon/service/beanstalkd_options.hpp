#pragma once

#include <optional>
#include <string>

#include <millrace/base/result.hpp>

#include "settings/settings.hpp"

namespace millrace::service {

/// The options of beanstalkd's command line, as written.
struct beanstalkd_options {
  std::optional<std::string> listen{};      ///< -l ADDR or unix:PATH
  std::optional<std::string> port{};        ///< -p
  std::optional<std::string> job_bytes{};   ///< -z
  std::optional<std::string> http{};        ///< --http, which beanstalkd does not have
  std::optional<std::string> user{};        ///< -u
  std::optional<std::string> data_dir{};    ///< -b
  std::optional<std::string> sync_after{};  ///< -f, in milliseconds
  bool never_sync{false};                   ///< -F
  std::optional<std::string> log_bytes{};   ///< -s, which is ignored

  /// An option of beanstalkd was given, so there is no settings file.
  [[nodiscard]] bool any() const noexcept { return listen || port || job_bytes || user || data_dir; }
};

/// The equivalent settings. A full queue rejects puts, since clients of beanstalkd know that answer. The error names
/// the option.
[[nodiscard]] result<settings::settings> settings_of(const beanstalkd_options& options);

}  // namespace millrace::service
