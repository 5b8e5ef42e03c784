#pragma once

#include "service/arguments.hpp"
#include "settings/load.hpp"

namespace millrace::service {

/// What is asked on the command line and answered without running anything: `--check` and the `--print` options.
/// Complaints go to standard error, what was asked for to standard output; not being able to write it there is a
/// failure.
exit_code run_errand(const arguments& what, const settings::vocabulary& words);

/// Writes all of it, to a descriptor; false when that cannot be done.
bool write_all(int descriptor, std::string_view text);

/// Every complaint as a line of text.
[[nodiscard]] std::string text_of(const std::vector<settings::complaint>& complaints);

}  // namespace millrace::service
