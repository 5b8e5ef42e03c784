#pragma once

#include "service/arguments.hpp"
#include "settings/load.hpp"

namespace millrace::service {

/// Runs `--check` or one of the `--print` options, which start no daemon. Diagnostics go to standard error, the result
/// goes to standard output. `failed`: standard output cannot be written.
exit_code run_one_shot_task(const arguments& arguments, const settings::vocabulary& vocabulary);

/// One line of text for each diagnostic.
[[nodiscard]] std::string text_of(const std::vector<settings::diagnostic>& diagnostics);

}  // namespace millrace::service
