#include "store/backup.hpp"

#include <errno.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/system_message.hpp"
#include "loop/mailbox.hpp"
#include "loop/signal_free_thread.hpp"
#include "store/data_directory.hpp"
#include "store/sqlite.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

constexpr auto page_bytes = static_cast<std::uint64_t>(sqlite::page_bytes);

/// Without a journal: a copy that is not complete is deleted. The cache is small, so that pages are written as they
/// come and not all at the end.
constexpr const char* target_settings = R"(
  PRAGMA journal_mode = OFF;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -2048;
)";

/// Behind the name of the target, while the copy is not complete.
constexpr const char* incomplete = ".incomplete";

/// Removes what a backup makes. The directory may be older, and then has files that are not the backup's.
void remove_copy(const data_directory& folder) {
  ::unlink(folder.data_file().c_str());
  ::unlink(folder.lock_file().c_str());
  ::rmdir(folder.path().c_str());
}

}  // namespace

struct backup::parts {
  parts(loop::event_loop& event_loop, std::string directory, store_context environment)
      : loop{event_loop}, data_dir{std::move(directory)}, context{std::move(environment)} {}

  using outcome = result<std::uint64_t>;

  void start(const std::string& target);
  void mail_received();
  void stop() {
    {
      const std::lock_guard held{mutex};
      stopping = true;
    }
    changed.notify_one();
  }

  // On the thread.
  [[nodiscard]] outcome copy(std::string target);
  [[nodiscard]] outcome fill_and_rename(const data_directory& folder, const std::string& target);
  [[nodiscard]] outcome copy_into(const data_directory& target);
  [[nodiscard]] result<> copy_pages(sqlite::connection& source, sqlite::connection& copy, const data_directory& target);
  void report(const backup_progress& now) {
    {
      const std::lock_guard held{mutex};
      progress = now;
    }
    mail->ring();
  }
  /// False: the backup is to stop.
  [[nodiscard]] bool pause(duration time) {
    std::unique_lock held{mutex};
    return !changed.wait_for(held, time, [this] { return stopping; });
  }

  loop::event_loop& loop;
  const std::string data_dir;
  const store_context context;
  loop::wait_point changed_state{loop, "the end of the backup"};
  std::optional<loop::mailbox> mail;  ///< while a backup runs
  std::thread thread;
  std::shared_ptr<std::optional<outcome>> reported;  ///< of the backup that runs; the caller of `run` reads it
  std::function<void(const backup_progress&)> on_progress;
  bool closed{false};

  std::mutex mutex;  ///< guards what follows
  std::condition_variable changed;
  bool stopping{false};
  backup_progress progress;
  std::optional<outcome> found;
};

backup::backup(loop::event_loop& loop, std::string data_dir, store_context context)
    : parts_{std::make_unique<parts>(loop, std::move(data_dir), std::move(context))} {}

backup::~backup() {
  if (!parts_->mail) return;
  parts_->stop();
  parts_->thread.join();
}

loop::awaitable<result<std::uint64_t>> backup::run(std::string target,
                                                   std::function<void(const backup_progress&)> on_progress) {
  parts& all = *parts_;
  if (all.closed) co_return error{errc::cancelled, "the daemon is closing"};
  if (all.mail) co_return error{errc::refused, "a backup is running"};
  const auto reported = std::make_shared<std::optional<parts::outcome>>();
  all.reported = reported;
  all.on_progress = std::move(on_progress);
  try {
    all.start(target);
  } catch (const std::system_error& thrown) {
    all.mail.reset();
    co_return error{errc::io, message_of(thrown)};
  }
  while (!*reported) co_await all.changed_state.wait();
  co_return **reported;
}

void backup::stop() {
  if (parts_->mail) parts_->stop();
}

loop::awaitable<> backup::close() {
  co_await loop::ignore_cancellation();
  parts& all = *parts_;
  all.closed = true;
  all.stop();
  while (all.mail) co_await all.changed_state.wait();
}

void backup::parts::start(const std::string& target) {
  stopping = false;
  mail.emplace(loop, [this] { mail_received(); });
  thread = loop::signal_free_thread("backup", [this, target] {
    auto result = copy(target);
    {
      const std::lock_guard held{mutex};
      found = std::move(result);
    }
    mail->ring();
  });
}

void backup::parts::mail_received() {
  backup_progress now;
  {
    const std::lock_guard held{mutex};
    now = progress;
    if (found) *reported = std::exchange(found, std::nullopt);
  }
  if (*reported) {
    thread.join();
    mail.reset();
    changed_state.wake_all();
  } else if (on_progress) {
    on_progress(now);
  }
}

backup::parts::outcome backup::parts::copy(std::string target) {
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  std::error_code failed;
  if (std::filesystem::exists(std::filesystem::symlink_status(target, failed)))
    return error{errc::refused, target + ": exists: name a directory that does not exist"};
  // A process that dies leaves an incomplete copy behind, on which no daemon must start.
  const std::string folder = target + incomplete;
  auto directory = data_directory::open(folder);
  if (!directory) return directory.error();
  auto done = fill_and_rename(*directory, target);
  if (!done) remove_copy(*directory);
  return done;
}

backup::parts::outcome backup::parts::fill_and_rename(const data_directory& folder, const std::string& target) {
  // The rest of an earlier backup may be in it.
  if (::ftruncate(folder.data_descriptor(), 0) != 0) return system_error(folder.data_file());
  auto bytes = copy_into(folder);
  if (!bytes) return bytes;
  if (const auto synced = sync_directory(folder.path()); !synced) return synced.error();
  if (::rename(folder.path().c_str(), target.c_str()) != 0) return system_error(target);
  if (const auto synced = sync_directory(target + "/.."); !synced) {
    // The caller removes it under its old name.
    if (::rename(target.c_str(), folder.path().c_str()) == 0) return synced.error();
    return error{errc::io, synced.error().text + "; the copy " + target + " is complete, but may be lost in a crash"};
  }
  return bytes;
}

backup::parts::outcome backup::parts::copy_into(const data_directory& target) {
  const std::string file = data_dir + "/millrace.db";
  auto source = sqlite::connection::open(file, sqlite::open_as::read_only, context.vfs);
  if (!source) return about(file, source.error());
  source->wait_for_locks({file, [this](duration time) { return pause(time); }, context.lock_limits});
  // The transaction sees one state of the file from its first read on.
  if (const auto begun = source->run("BEGIN"); !begun) return about(file, begun.error());
  const auto pages = source->number("PRAGMA page_count");
  if (!pages) return about(file, pages.error());
  const auto bytes = static_cast<std::uint64_t>(*pages) * page_bytes;
  report({0, bytes});
  if (const auto free = context.free_bytes(target.path()); free < bytes) {
    return error{errc::refused, target.path() + ": the copy needs " + std::to_string(bytes) + " bytes, and " +
                                    std::to_string(free) + " are free"};
  }
  auto copy = sqlite::connection::open(target.data_file(), sqlite::open_as::read_write, context.vfs);
  if (!copy) return about(target.data_file(), copy.error());
  if (const auto set = copy->run(target_settings); !set) return about(target.data_file(), set.error());
  if (const auto done = copy_pages(*source, *copy, target); !done) return done.error();
  return bytes;
}

result<> backup::parts::copy_pages(sqlite::connection& source, sqlite::connection& copy, const data_directory& target) {
  auto pages = sqlite::page_copy::begin(source, copy);
  if (!pages) return about(target.data_file(), pages.error());
  std::uint64_t not_synced = 0;
  for (;;) {
    const stopwatch step;
    const auto all = pages->step(step_pages);
    if (!all) return about(target.data_file(), all.error());
    if (*all) return {};
    not_synced += step_pages * page_bytes;
    report({static_cast<std::uint64_t>(pages->pages() - pages->pages_left()) * page_bytes,
            static_cast<std::uint64_t>(pages->pages()) * page_bytes});
    if (not_synced >= sync_bytes) {
      if (::fdatasync(target.data_descriptor()) != 0) {
        return system_error(target.data_file());
      }
      not_synced = 0;
    }
    if (!pause(step.elapsed())) return error{errc::cancelled, "the backup was stopped"};
  }
}

}  // namespace millrace::store
