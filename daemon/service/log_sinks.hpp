#pragma once

#include <string>

#include "base/log.hpp"

namespace millrace::service {

enum class log_format { automatic, text, json, journald };

/// Formats log records, and writes them to standard error or the journal:
///
///     text      2026-11-20T12:00:00.123Z info     started  millraced is running producers=1
///     json      {"time":"2026-11-20T12:00:00.123Z","level":"info","event":"started","message":"…","producers":1}
///     journald  MESSAGE, PRIORITY, MILLRACE_EVENT, and each field as MILLRACE_ and its name in upper case
///
/// In text and JSON a record is one line: control characters are escaped, and invalid UTF-8 becomes U+FFFD in JSON. In
/// the journal a message may have several lines. Records are formatted on any thread, and written on the thread of the
/// log, which a full pipe may block.
/// If `journald` was requested and there is no journal, one line on standard error reports it.
[[nodiscard]] log::sink log_sink(log_format format);

/// The socket at which the journal receives entries.
inline constexpr const char* journal_socket = "/run/systemd/journal/socket";

/// The format that is used for the requested one. `automatic` is journald if JOURNAL_STREAM names our standard error,
/// else text. journald is text if nothing receives entries at `socket`.
[[nodiscard]] log_format effective_format(log_format requested, const std::string& socket = journal_socket);

/// The formats of the sinks, public for their tests.
[[nodiscard]] std::string render_text(const log::record& record, wall_time time);
[[nodiscard]] std::string render_json(const log::record& record, wall_time time);
/// Entries `FIELD=value`, each followed by a zero byte.
[[nodiscard]] std::string render_journal(const log::record& record);

}  // namespace millrace::service
