#pragma once

#include "settings/settings.hpp"

namespace millrace::service {

/// Names of files in a settings file are relative to its folder, so that a workload and its data can be moved and
/// started from anywhere: makes the `file` of every producer a path from the working directory. `-` stays what it is.
void find_files_beside(settings::settings& what);

}  // namespace millrace::service
