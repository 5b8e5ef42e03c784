#pragma once

#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Letters, digits and `+ / ; . $ _ ( ) -`, not beginning with `-`, at most so many bytes: what the beanstalk protocol
/// allows for a tube, and what names of producers and consumers keep to as well.
inline constexpr std::size_t name_bytes_max = 200;
[[nodiscard]] bool is_name(std::string_view text);

/// What each part says right and the whole does not: queues that are named but not declared, outputs in a circle, a dead
/// letter to itself, a handler that cannot run where it is told to; as warnings queues that nothing feeds or drains.
/// `root` tells where each complaint belongs. A dead letter queue that is not declared is: it gets the defaults.
void check_consistency(settings& what, const node& root, complaint_list& complaints);

}  // namespace millrace::settings
