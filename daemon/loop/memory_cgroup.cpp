#include "loop/memory_cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "loop/cgroup_delegation.hpp"

namespace millrace::loop {

namespace fs = std::filesystem;

int write_cgroup_file(const fs::path& file, std::string_view text) noexcept {
  const owned_descriptor opened{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
  if (opened.get() < 0) return errno;
  return ::write(opened.get(), text.data(), text.size()) < 0 ? errno : 0;
}

bool has_exceeded_kill(std::string_view events) {
  std::istringstream lines{std::string{events}};
  std::uint64_t exceeded = 0;
  std::uint64_t kills = 0;
  std::string name;
  for (std::uint64_t count = 0; lines >> name >> count;) {
    // This group needed more, and the kernel could free none of it.
    if (name == "oom") exceeded = count;
    // A process was killed for the limit of this group or of one above, or for want of memory in the machine.
    if (name == "oom_kill") kills = count;
  }
  return exceeded > 0 && kills > 0;
}

namespace {

/// The kernel removes no directory that has others in it. False: processes are left.
bool remove_directories(const fs::path& group) {
  if (::rmdir(group.c_str()) == 0 || errno != EBUSY) return true;
  std::error_code failure;
  std::vector<fs::path> below;
  for (fs::directory_iterator entry{group, failure}, end; !failure && entry != end; entry.increment(failure)) {
    if (entry->is_directory(failure)) below.push_back(entry->path());
  }
  if (below.empty() || !std::ranges::all_of(below, remove_directories)) return false;
  return ::rmdir(group.c_str()) == 0 || errno != EBUSY;
}

}  // namespace

// --- one group -------------------------------------------------------------------------------------------------------

memory_cgroup& memory_cgroup::operator=(memory_cgroup&& other) noexcept {
  if (this == &other) return *this;
  static_cast<void>(remove());
  directory_ = std::exchange(other.directory_, {});
  entrance_ = std::move(other.entrance_);
  memory_max_ = other.memory_max_;
  return *this;
}

result<memory_cgroup> memory_cgroup::make(const fs::path& parent, std::uint64_t number, std::uint64_t memory_max) {
  const auto failed = [](const fs::path& path, int reason) {
    return error{errc::io, path.string() + ": " + system_message(reason)};
  };
  const fs::path directory =
      parent / (std::string{name_prefix} + std::to_string(::getpid()) + '-' + std::to_string(number));
  if (::mkdir(directory.c_str(), 0755) != 0) return failed(directory, errno);
  memory_cgroup made{directory, memory_max};
  struct {
    const char* file;
    std::string text;
    bool is_needed;
  } const settings[] = {{"memory.max", std::to_string(memory_max), true},
                        {"memory.oom.group", "1", true},
                        // It is missing where the kernel knows no swap space.
                        {"memory.swap.max", "0", false}};
  for (const auto& setting : settings) {
    const int reason = write_cgroup_file(directory / setting.file, setting.text);
    if (reason != 0 && setting.is_needed) return failed(directory / setting.file, reason);
  }
  made.entrance_ = owned_descriptor{::open((directory / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
  if (made.entrance_.get() < 0) return failed(directory / "cgroup.procs", errno);
  return made;
}

bool memory_cgroup::is_exceeded() const {
  std::ifstream events{directory_ / "memory.events"};
  return has_exceeded_kill(std::string{std::istreambuf_iterator<char>{events}, {}});
}

bool memory_cgroup::remove() noexcept {
  if (directory_.empty()) return true;
  entrance_.close();
  write_cgroup_file(directory_ / "cgroup.kill", "1");
  if (!remove_directories(directory_)) return false;
  directory_.clear();
  return true;
}

// --- all groups ------------------------------------------------------------------------------------------------------

void memory_cgroups::take_over() {
  is_taken_over_ = true;
  auto taken = take_over_cgroup();
  if (taken) {
    parent_ = std::move(taken->directory);
    for (fs::path& left : taken->left) remove(memory_cgroup{std::move(left)});
    log::info("memory_limits", "control groups limit the memory of child processes", {{"directory", parent_.string()}});
  } else {
    log::info("memory_limits", "the memory of child processes is watched, not limited by control groups",
              {{"reason", taken.error().text}});
  }
}

std::optional<memory_cgroup> memory_cgroups::make(std::uint64_t memory_max) {
  if (!is_taken_over_) take_over();
  if (parent_.empty()) return std::nullopt;
  auto made = memory_cgroup::make(parent_, ++made_, memory_max);
  if (made) return std::move(*made);
  note_failure(made.error().text);
  return std::nullopt;
}

bool memory_cgroups::note_entry(int error_number) {
  if (error_number == 0) {
    entered_last_ = true;
  } else {
    note_failure("a process could not be moved into its control group: " + system_message(error_number));
  }
  return error_number == 0;
}

void memory_cgroups::note_failure(const std::string& reason) {
  if (!std::exchange(entered_last_, false)) return;
  log::warning("memory_limits", "a control group cannot be used: the memory of child processes is watched",
               {{"reason", reason}});
}

void memory_cgroups::remove(memory_cgroup&& group) {
  if (!group.remove()) left_.push_back(std::move(group));
}

bool memory_cgroups::remove_left() {
  std::erase_if(left_, [](memory_cgroup& group) { return group.remove(); });
  return left_.empty();
}

}  // namespace millrace::loop
