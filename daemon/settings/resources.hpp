#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Reports each second use of a resource that only one part may use: standard input, a fifo or a device that a
/// producer reads, and a listen address. The diagnostic names both uses. Regular files may have many readers, so the
/// type of each file is read from the file system.
void check_exclusive_use(const settings& settings, const node& root, diagnostic_list& diagnostics);

/// Reports files of producers that cannot be read, and a `data_dir` that is not a directory. A missing `data_dir` is
/// created later.
void check_inputs(const settings& settings, const node& root, diagnostic_list& diagnostics);

}  // namespace millrace::settings
