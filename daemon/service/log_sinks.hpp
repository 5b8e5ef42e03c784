#pragma once

#include <string>

#include "base/log.hpp"

namespace millrace::service {

enum class log_format { automatic, text, json, journald };

/// Log lines as people and programs read them, all to standard error or the journal:
///
///     text      2026-11-20T12:00:00.123Z info     producer_ended  the producer has ended producer=x jobs=3
///     json      {"time":"2026-11-20T12:00:00.123Z","level":"info","event":"producer_ended","message":"…","jobs":3}
///     journald  MESSAGE, PRIORITY, MILLRACE_EVENT, and each field by its name in upper case
///
/// A line is one line whatever the values hold: control characters are escaped, and bytes that are no UTF-8 become
/// U+FFFD in JSON. Rendering happens on any thread; delivering on the log's own, which a stalled pipe may hold.
/// When journald was asked for and there is no journal, one line on standard error says so.
[[nodiscard]] log::sink log_sink(log_format format);

/// Where the journal takes entries.
inline constexpr const char* journal_socket = "/run/systemd/journal/socket";

/// `automatic` made definite: journald when JOURNAL_STREAM names our standard error, else text. journald without a
/// journal that takes entries at `socket` is text as well.
[[nodiscard]] log_format definite(log_format wanted, const std::string& socket = journal_socket);

/// What the sinks render, for their tests.
[[nodiscard]] std::string render_text(const log::record& what, wall_time when);
[[nodiscard]] std::string render_json(const log::record& what, wall_time when);
/// Entries `FIELD=value`, each followed by a zero byte.
[[nodiscard]] std::string render_journal(const log::record& what);

}  // namespace millrace::service
