#pragma once

#include <array>
#include <string_view>

namespace millrace::settings {

/// Kinds that the plan names and no registry has yet: naming one is an error that says so. A kind that comes to be in a
/// registry is found there first; then its word goes from here.
inline constexpr std::array<std::string_view, 5> planned_handlers{"block", "http", "exec", "file", "beanstalk"};
inline constexpr std::array<std::string_view, 5> planned_sources{"cron", "directory", "exec", "http_poll", "beanstalk"};

}  // namespace millrace::settings
