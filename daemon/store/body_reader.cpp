#include "store/body_reader.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include "base/log.hpp"
#include "loop/signal_free_thread.hpp"
#include "store/rows.hpp"
#include "store/schema.hpp"

namespace millrace::store {

namespace {

/// A transaction reads at most this many bodies, and ends with the body that exceeds `slice_bytes`. It must be short:
/// while it lasts the writer can neither restart nor cut its log, so the log grows.
constexpr std::size_t slice_jobs = 64;
constexpr std::size_t slice_bytes = 1u << 20;

// The cache is for one slice: SQLite empties it when the next transaction finds that somebody has written in between. 8
// MiB hold the paths to 64 bodies and their pages many times over; bodies that are read again come from the system's
// cache. No mmap_size: a page that cannot be read is an error of one body here, and would be the end of the process
// there.
constexpr const char* settings = "PRAGMA cache_size = -8192";

/// Between two tries to read what was locked where SQLite itself does not wait, or what the disk did not give.
constexpr duration try_again_after = milliseconds{100};

/// Tries to read a body while the disk fails, before its job is given up.
constexpr int read_attempts_max = 3;

/// Of a large body, read at once: between two pieces the thread can be stopped.
constexpr std::size_t piece_bytes = 256u << 10;

constexpr duration warning_interval = seconds{10};

error no_memory() { return {errc::io, "there is no memory for its body"}; }

/// The row stays at hand unless this fails.
result<> read_row(sqlite::statement& from, job_id job, body_part part, job_row& into) {
  from.bind(1, static_cast<std::int64_t>(job.value()));
  const auto found = from.step();
  if (!found) return found.error();
  if (!*found) return error{errc::not_found, "job " + std::to_string(job.value()) + " is not in the file"};
  auto read = read_job(from, part, nullptr, duration::zero(), into);
  if (!read) from.reset();
  return read;
}

}  // namespace

body_reader::body_reader(std::string data_file, const char* vfs, lock_wait_limits lock_limits, loop::mailbox& to_loop)
    : path_{std::move(data_file)}, vfs_{vfs}, lock_limits_{lock_limits}, to_loop_{to_loop} {
  // One that cannot be made is asked for again with the first body; the loop does not wait for a lock.
  if (auto made = connect(at_a_lock::fail)) data_.emplace(std::move(*made));
  thread_ = loop::signal_free_thread("store_bodies", [this] { serve(); });
}

body_reader::~body_reader() {
  end();
  thread_.join();
}

void body_reader::read(std::span<const job_id> jobs) {
  {
    const std::lock_guard held{mutex_};
    assert(!ending_);
    asked_.insert(asked_.end(), jobs.begin(), jobs.end());
  }
  changed_.notify_one();
}

void body_reader::take_found(std::vector<body_found>& into) {
  into.clear();
  const std::lock_guard held{mutex_};
  std::swap(found_, into);
}

void body_reader::end() {
  {
    const std::lock_guard held{mutex_};
    ending_ = true;
  }
  changed_.notify_one();
}

void body_reader::serve() {
  std::vector<job_id> jobs;
  while (wait(jobs)) {
    std::span<job_id> rest{jobs};
    while (!rest.empty() && !ending_) rest = rest.subspan(read_slice(rest));
  }
  data_.reset();
  ended_.store(true, std::memory_order_release);
  to_loop_.ring();
}

bool body_reader::wait(std::vector<job_id>& into) {
  into.clear();
  std::unique_lock held{mutex_};
  changed_.wait(held, [this] { return !asked_.empty() || ending_; });
  std::swap(asked_, into);
  return !ending_;
}

std::size_t body_reader::read_slice(std::span<job_id> from) {
  from = from.first(std::min(from.size(), slice_jobs));
  std::sort(from.begin(), from.end());
  std::size_t bytes = 0;
  std::size_t jobs = 0;
  while (jobs < from.size() && bytes < slice_bytes && !ending_) {
    const job_id job = from[jobs++];
    auto content = read(job);
    if (content) bytes += content->size();
    slice_.push_back({job, std::move(content)});
  }
  if (data_ && std::exchange(data_->in_slice, false) && !data_->connection.run("COMMIT")) renew();
  {
    const std::lock_guard held{mutex_};
    std::move(slice_.begin(), slice_.end(), std::back_inserter(found_));
  }
  slice_.clear();
  to_loop_.ring();
  return jobs;
}

result<body> body_reader::read(job_id job) {
  auto content = read_once(job);
  // While the disk fails each body is tried once: thousands may be asked for.
  int attempts_left = disk_fails_ ? 0 : read_attempts_max - 1;
  while (!content &&
         (content.error().code == errc::timed_out || (content.error().code == errc::io && attempts_left-- > 0)) &&
         wait_for_lock(try_again_after)) {
    warn_limited("body_waits", "a body cannot be read at present: it is tried again", job, content.error());
    if (content.error().code == errc::io) renew();
    content = read_once(job);
  }
  disk_fails_ = !content && content.error().code == errc::io;
  if (!content && content.error().code != errc::not_found && !ending_) {
    warn_limited("body_unreadable", "a body cannot be read: its job is buried when somebody reserves it", job,
                 content.error());
    renew();
  }
  return content;
}

result<body> body_reader::read_once(job_id job) {
  if (const auto ready = open(); !ready) return ready.error();
  return look_up(job);
}

bool body_reader::wait_for_lock(duration time) {
  std::unique_lock held{mutex_};
  return !changed_.wait_for(held, time, [this] { return ending_.load(); });
}

void body_reader::warn_limited(std::string_view event, std::string_view sentence, job_id job, const error& cause) {
  // If one body cannot be read, often thousands cannot.
  if (last_warning_ && last_warning_->elapsed() < warning_interval) return;
  last_warning_.emplace();
  log::warning(event, sentence, {{"file", path_}, {"job", job.value()}, {"error", cause.text}});
}

result<body_reader::open_file> body_reader::connect(at_a_lock behaviour) {
  auto made = sqlite::connection::open(path_, sqlite::open_as::read_only, vfs_);
  if (!made) return made.error();
  const auto wait = [this](duration time) { return wait_for_lock(time); };
  const auto fail = [](duration) { return false; };
  made->wait_for_locks(
      {path_, behaviour == at_a_lock::wait ? lock_wait::pause{wait} : lock_wait::pause{fail}, lock_limits_});
  if (const auto set = made->run(settings); !set) return set.error();
  // Reads the schema, and so opens the log, too.
  auto body_of = made->prepare(job_query(body_part::bytes_unless_large, "WHERE id = ?1", schema_version));
  if (!body_of) return body_of.error();
  auto length_of = made->prepare(job_query(body_part::length, "WHERE id = ?1", schema_version));
  if (!length_of) return length_of.error();
  made->wait_for_locks({path_, wait, lock_limits_});
  return open_file{std::move(*made), std::move(*body_of), std::move(*length_of)};
}

result<> body_reader::open() {
  if (!data_) {
    auto made = connect(at_a_lock::wait);
    if (!made) return made.error();
    data_.emplace(std::move(*made));
  }
  if (data_->in_slice) return {};
  const auto begun = data_->connection.run("BEGIN");
  data_->in_slice = begun.has_value();
  return begun;
}

/// After a read error SQLite's cached state may be wrong, so the file is opened again. If no descriptor is left, the
/// old connection stays.
void body_reader::renew() {
  if (auto made = connect(at_a_lock::wait)) {
    data_.emplace(std::move(*made));
  } else if (data_) {
    static_cast<void>(data_->connection.run("ROLLBACK"));
    data_->in_slice = false;
  }
}

result<body> body_reader::look_up(job_id job) {
  sqlite::statement& from = data_->body_of;
  job_row row;
  if (const auto read = read_row(from, job, body_part::bytes_unless_large, row); !read) return read.error();
  if (row.body_left) {
    from.reset();
    return look_up_large(job);
  }
  std::string_view bytes = row.body;
  // Bodies are on disk because memory is short: that there is none for this one is no reason to end.
  body_in_progress made;
  const bool has_memory = made.begin(bytes.size());
  if (has_memory) made.take(bytes);
  from.reset();
  if (!has_memory) return no_memory();
  return made.finish();
}

result<body> body_reader::look_up_large(job_id job) {
  job_row row;
  const auto read = read_row(data_->length_of, job, body_part::length, row);
  data_->length_of.reset();
  if (!read) return read.error();
  body_in_progress made;
  if (!made.begin(row.body_bytes)) return no_memory();
  const auto copied = data_->connection.read_blob("job", "body", static_cast<std::int64_t>(job.value()), piece_bytes,
                                                  [&](std::string_view piece) {
                                                    made.take(piece);
                                                    return !ending_;
                                                  });
  if (!copied) return copied.error();
  auto whole = made.finish();
  if (const auto same = check_body(row, whole.view()); !same) return same.error();
  return whole;
}

}  // namespace millrace::store
