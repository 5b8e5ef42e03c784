#include "loop/memory_cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
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
  std::string name;
  for (std::uint64_t count = 0; events >> name >> count;) {
    if (name == "oom_kill") return count > 0;
  }
  return false;
}

bool memory_cgroup::remove() noexcept {
  if (directory_.empty()) return true;
  entrance_.close();
  write_cgroup_file(directory_ / "cgroup.kill", "1");
  if (::rmdir(directory_.c_str()) != 0 && errno == EBUSY) return false;
  directory_.clear();
  return true;
}

// --- all groups ------------------------------------------------------------------------------------------------------

void memory_cgroups::take_over() {
  is_taken_over_ = true;
  auto taken = take_over_cgroup();
  if (taken) {
    parent_ = std::move(*taken);
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
  if (!made && std::exchange(made_last_, false)) {
    log::warning("memory_limits", "a control group cannot be made: the memory of child processes is watched",
                 {{"reason", made.error().text}});
  }
  if (!made) return std::nullopt;
  made_last_ = true;
  return std::move(*made);
}

void memory_cgroups::remove(memory_cgroup&& group) {
  if (!group.remove()) left_.push_back(std::move(group));
}

bool memory_cgroups::remove_left() {
  std::erase_if(left_, [](memory_cgroup& group) { return group.remove(); });
  return left_.empty();
}

}  // namespace millrace::loop
