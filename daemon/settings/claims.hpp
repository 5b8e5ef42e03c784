#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Complains about each second use of what can have only one owner: standard input, a fifo or a device that a producer reads, an
/// address that is listened on. The complaint names both places. Whether a file is a plain one, which many may read, is looked up.
void check_claims(const settings& all, const node& root, complaint_list& complaints);

}  // namespace millrace::settings
