#pragma once

#include "settings/settings.hpp"

namespace millrace::service {

/// Paths in a settings file are relative to its folder, so that a workload and its data can be moved and started from
/// anywhere: makes `data_dir`, the Unix sockets and the `file` of every producer paths from the working directory. The
/// `file` `-` stays what it is.
void find_files_beside(settings::settings& what);

}  // namespace millrace::service
