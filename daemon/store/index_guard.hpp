#pragma once

namespace millrace::store {

/// Keeps a truncated index of the log (the file `-shm`, which SQLite maps into memory) from ending the process with
/// SIGBUS. A page of it that is gone is replaced by an empty one, and from that moment on SQLite can write to no file
/// of this process any more: what it reads through an empty index may be out of date, and must not be committed, nor
/// may the log be cut as if it had been copied. The log keeps all that was acknowledged, and the next start makes the
/// index anew.
///
/// An index in the process's own memory (`locking_mode = EXCLUSIVE`) would need none of this, but then neither the
/// reader of bodies nor an operator's `sqlite3` could open the file.
///
/// It also hides a lock that cannot be released: see index_guard.cpp.
///
/// Called by a store that is about to open its file, of which a process has one at a time; for the rest of the process.
/// Other causes of SIGBUS have the effect they had before.
void guard_index();

}  // namespace millrace::store
