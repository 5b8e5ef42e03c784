#pragma once

#include "service/arguments.hpp"
#include "settings/load.hpp"

namespace millrace::service {

/// Runs `--check` or one of the `--print` options, which start no daemon. Diagnostics go to standard error, the result
/// goes to standard output. `failed`: standard output cannot be written.
exit_code run_one_shot_task(const arguments& arguments, const settings::vocabulary& vocabulary);

/// Writes the whole text to a descriptor. False with `errno` on failure.
bool write_all(int descriptor, std::string_view text);

/// One line of text for each diagnostic.
[[nodiscard]] std::string text_of(const std::vector<settings::diagnostic>& diagnostics);

}  // namespace millrace::service
