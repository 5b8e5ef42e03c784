#pragma once

#include "settings/settings.hpp"

namespace millrace::service {

/// Resolves relative paths against the folder of the settings file, so that a workload can be started from any
/// directory: `data_dir`, Unix sockets, `file` of each producer, and `path`, `directory` and the files of TLS of each
/// consumer. The file `-` is unchanged.
void resolve_relative_paths(settings::settings& settings);

}  // namespace millrace::service
