#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Complains about each second use of what can have only one owner: standard input, a fifo or a device that a producer
/// reads, an address that is listened on. The complaint names both places. Whether a file is a plain one, which many
/// may read, is looked up.
void check_claims(const settings& all, const node& root, complaint_list& complaints);

/// Complains about a file of a producer that cannot be read, and a `data_dir` that is no directory. A directory that
/// does not exist is created later.
void check_inputs(const settings& all, const node& root, complaint_list& complaints);

}  // namespace millrace::settings
