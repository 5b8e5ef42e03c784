#pragma once

#include <array>
#include <string_view>

namespace millrace::settings {

/// Kinds that are planned. Using one is an error that says so. When a kind is implemented, its name is removed here.
inline constexpr std::array<std::string_view, 1> planned_handlers{"beanstalk"};
inline constexpr std::array<std::string_view, 5> planned_sources{"cron", "directory", "exec", "http_poll", "beanstalk"};

}  // namespace millrace::settings
