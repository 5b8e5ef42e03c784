#include "tools/beanstalkd_binlog.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/directory.hpp"

namespace millrace::tools {

namespace {

// A file is its version (int32, 7) and records, then zeros up to the allocated size. All numbers have the byte order of
// the machine:
//
//   record: name length (int32; 0: the job has an earlier record) | name | facts, 80 bytes | body, if there is a name
//   facts:  id 8 | priority 4, 4 unused | delay 8 | ttr 8 | body length 4, 4 unused | put at 8 | due at 8
//           | reserves 4 | timeouts 4 | releases 4 | buries 4 | kicks 4 | state 1, 3 unused
//
// Times are nanoseconds; the body's length counts the CR LF behind it.
constexpr std::int32_t version_read = 7;
constexpr std::size_t facts_size = 80;
constexpr std::int32_t name_length_max = 200;
constexpr std::int32_t line_end_length = 2;
enum class logged_state : std::uint8_t { gone = 0, ready = 1, reserved = 2, buried = 3, delayed = 4 };

struct logged_job {
  engine::kept_job job;
  std::string queue;
  std::uint64_t record{0};  ///< ordinal of its last record
};

template <class Number>
Number number_at(std::string_view bytes, std::size_t offset) {
  Number value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

class log_reader {
 public:
  result<> read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    const std::string all{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) return error{errc::io, path + ": cannot be read"};
    rest_ = all;
    if (rest_.size() < sizeof version_read) return {};
    const auto version = number_at<std::int32_t>(take(sizeof version_read), 0);
    if (version != version_read) return error{errc::unsupported, path + ": its version is " + std::to_string(version)};
    while (!rest_.empty()) {
      const auto offset = std::to_string(all.size() - rest_.size());
      const auto more = read_record();
      if (!more) return invalid(path + ": byte " + offset + ": " + more.error().text);
      if (*more == next::cut_off)
        found_.remarks.push_back(path + ": the record at byte " + offset + " is not finished");
      if (*more != next::record) break;
    }
    return {};
  }

  binlog_content content() {
    std::vector<logged_job> buried;
    for (auto& [id, logged] : jobs_) {
      if (logged.job.state == engine::job_state::buried) {
        buried.push_back(std::move(logged));
      } else {
        found_.jobs.push_back({std::move(logged.job), std::move(logged.queue)});
      }
    }
    std::sort(buried.begin(), buried.end(),
              [](const auto& one, const auto& other) { return one.record < other.record; });
    for (auto& logged : buried) found_.jobs.push_back({std::move(logged.job), std::move(logged.queue)});
    return std::move(found_);
  }

 private:
  enum class next { record, end, cut_off };

  std::string_view take(std::size_t bytes) {
    const auto taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  result<next> read_record() {
    if (rest_.size() < sizeof(std::int32_t)) return next::cut_off;
    const auto name_length = number_at<std::int32_t>(take(sizeof(std::int32_t)), 0);
    if (name_length < 0 || name_length > name_length_max) return invalid("no name has that length");
    if (rest_.size() < static_cast<std::size_t>(name_length) + facts_size)
      return name_length == 0 && only_zeros() ? next::end : next::cut_off;
    const std::string_view name = take(static_cast<std::size_t>(name_length));
    const std::string_view facts = take(facts_size);
    const auto id = number_at<std::uint64_t>(facts, 0);
    if (id == 0) return name_length == 0 ? next::end : next::cut_off;
    if (id > job_id_max.value()) {
      return invalid("id " + std::to_string(id) + " is out of range: the highest is " +
                     std::to_string(job_id_max.value()));
    }
    found_.highest_id = std::max(found_.highest_id, id);
    const auto state = number_at<std::uint8_t>(facts, 76);
    if (state > static_cast<std::uint8_t>(logged_state::delayed)) return invalid("no job has that state");
    const auto delay = number_at<std::int64_t>(facts, 16), ttr = number_at<std::int64_t>(facts, 24);
    if (delay < 0 || ttr < 0) return invalid("no job has such a delay or time to run");

    std::string_view content;
    if (name_length > 0) {
      const auto length = number_at<std::int32_t>(facts, 32);
      if (length < line_end_length) return invalid("no body has that length");
      if (rest_.size() < static_cast<std::size_t>(length)) return next::cut_off;
      content = take(static_cast<std::size_t>(length));
      if (!content.ends_with("\r\n")) return next::cut_off;
      content.remove_suffix(line_end_length);
    }
    apply(id, name, facts, static_cast<logged_state>(state), content);
    return next::record;
  }

  void apply(std::uint64_t id, std::string_view name, std::string_view facts, logged_state state,
             std::string_view content) {
    if (state == logged_state::gone) {
      jobs_.erase(id);
      return;
    }
    // A short record of a job whose full record was in a file that is gone. The job is gone as well.
    if (name.empty() && !jobs_.contains(id)) return;
    logged_job& logged = jobs_[id];
    logged.record = ++records_;
    if (!name.empty()) {
      logged.queue = name;
      logged.job.request.content = body{content};
    }
    engine::kept_job& job = logged.job;
    job.job = job_id{id};
    job.state = state == logged_state::buried    ? engine::job_state::buried
                : state == logged_state::delayed ? engine::job_state::delayed
                                                 : engine::job_state::ready;
    job.request.priority = number_at<std::uint32_t>(facts, 8);
    job.request.delay = duration{number_at<std::int64_t>(facts, 16)};
    job.request.ttr = duration{number_at<std::int64_t>(facts, 24)};
    job.put_at = instant{duration{number_at<std::int64_t>(facts, 40)}};
    job.due = state == logged_state::delayed ? instant{duration{number_at<std::int64_t>(facts, 48)}} : instant{};
    job.tally = {.reserves = number_at<std::uint32_t>(facts, 56),
                 .timeouts = number_at<std::uint32_t>(facts, 60),
                 .releases = number_at<std::uint32_t>(facts, 64),
                 .buries = number_at<std::uint32_t>(facts, 68),
                 .kicks = number_at<std::uint32_t>(facts, 72)};
  }

  [[nodiscard]] bool only_zeros() const { return rest_.find_first_not_of('\0') == std::string_view::npos; }

  binlog_content found_;
  std::map<std::uint64_t, logged_job> jobs_;
  std::uint64_t records_{0};
  std::string_view rest_;
};

/// beanstalkd holds a record lock on this file as long as it runs.
bool is_in_use(const std::string& directory) {
  const int lock = ::open((directory + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return false;
  struct flock query {};
  query.l_type = F_WRLCK;
  query.l_whence = SEEK_SET;
  const bool held = ::fcntl(lock, F_GETLK, &query) == 0 && query.l_type != F_UNLCK;
  ::close(lock);
  return held;
}

}  // namespace

result<binlog_content> read_beanstalkd_binlog(const std::string& directory) {
  if (is_in_use(directory)) return error{errc::refused, directory + ": in use by a beanstalkd"};
  std::map<std::uint64_t, std::string> files;
  std::error_code wrong;
  for (const std::string& name : list_directory(directory, wrong)) {
    constexpr std::string_view before{"binlog."};
    std::uint64_t number = 0;
    if (!name.starts_with(before)) continue;
    const auto* const end = name.data() + name.size();
    const auto digits = std::from_chars(name.data() + before.size(), end, number);
    if (digits.ec == std::errc{} && digits.ptr == end) files[number] = directory + "/" + name;
  }
  if (wrong) return error{errc::io, directory + ": " + wrong.message()};
  if (files.empty()) return error{errc::not_found, directory + ": there is no binlog.N in it"};
  log_reader all;
  for (const auto& [number, path] : files) {
    if (const auto read = all.read_file(path); !read) return read.error();
  }
  return all.content();
}

}  // namespace millrace::tools
