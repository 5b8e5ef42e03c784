#include "loop/cgroup_delegation.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/system_message.hpp"
#include "loop/memory_cgroup.hpp"

namespace millrace::loop {

namespace {

namespace fs = std::filesystem;

/// The group for the processes that were in the delegated group itself.
constexpr const char* own_group = "daemon";

/// A process that is moved may have started another one meanwhile.
constexpr int move_rounds_max = 16;

struct mount {
  fs::path root;   ///< the directory of the hierarchy that is mounted
  fs::path point;  ///< the directory where it is mounted
};

/// A space and some other characters are written as octal numbers.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

std::optional<mount> find_mount(std::string_view mounts) {
  std::istringstream lines{std::string{mounts}};
  for (std::string line; std::getline(lines, line);) {
    // id parent device root point options [optional fields] - type source options
    std::istringstream words{line};
    const std::vector<std::string> all{std::istream_iterator<std::string>{words}, {}};
    const auto separator = std::find(all.begin(), all.end(), "-");
    if (all.size() < 5 || separator == all.end() || std::next(separator) == all.end()) continue;
    if (*std::next(separator) == "cgroup2") return mount{unescaped(all[3]), unescaped(all[4])};
  }
  return std::nullopt;
}

std::optional<std::string> find_membership(std::string_view memberships) {
  constexpr std::string_view prefix = "0::";
  std::istringstream lines{std::string{memberships}};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(prefix)) return line.substr(prefix.size());
  }
  return std::nullopt;
}

std::string read_all(const fs::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

bool has_word(const std::string& text, std::string_view wanted) {
  std::istringstream words{text};
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

bool is_delegated(const fs::path& group) {
  for (const char* const name : {"user.delegate", "trusted.delegate"}) {
    std::array<char, 8> value{};
    const ssize_t bytes = ::getxattr(group.c_str(), name, value.data(), value.size());
    if (bytes > 0 && std::string_view{value.data(), static_cast<std::size_t>(bytes)} == "1") return true;
  }
  return false;
}

error cannot(const std::string& action, const fs::path& path, int number) {
  return {errc::io, action + " " + path.string() + ": " + system_message(number)};
}

/// Moves all processes of `from` into `to`.
result<> move_processes(const fs::path& from, const fs::path& to) {
  for (int round = 0; round < move_rounds_max; ++round) {
    std::istringstream processes{read_all(from / "cgroup.procs")};
    bool moved = false;
    for (std::string process; processes >> process; moved = true) {
      // One that has ended meanwhile is no process any more.
      const int failure = write_cgroup_file(to / "cgroup.procs", process);
      if (failure != 0 && failure != ESRCH) return cannot("a process cannot be moved into", to, failure);
    }
    if (!moved) return {};
  }
  return error{errc::io, "the processes of " + from.string() + " cannot be moved: there are always new ones"};
}

}  // namespace

result<fs::path> cgroup_directory(std::string_view memberships, std::string_view mounts) {
  const auto mounted = find_mount(mounts);
  const auto membership = find_membership(memberships);
  if (!mounted || !membership) return error{errc::not_found, "no hierarchy of control groups v2 is mounted"};
  const fs::path below = fs::path{*membership}.lexically_relative(mounted->root);
  if (below.empty() || *below.begin() == "..") {
    return error{errc::not_found, "the control group " + *membership + " is outside of " + mounted->point.string()};
  }
  return below == "." ? mounted->point : mounted->point / below;
}

std::vector<fs::path> left_child_groups(const fs::path& directory, const fs::path& daemons) {
  const std::string alive = read_all(daemons / "cgroup.procs");
  std::error_code failure;
  std::vector<fs::path> left;
  for (fs::directory_iterator entry{directory, failure}, end; !failure && entry != end; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(memory_cgroup::name_prefix)) continue;
    const std::string numbers = name.substr(memory_cgroup::name_prefix.size());
    const std::string daemon = numbers.substr(0, numbers.find('-'));
    if (daemon == std::to_string(::getpid()) || !has_word(alive, daemon)) left.push_back(entry->path());
  }
  return left;
}

result<taken_cgroup> take_over_cgroup() {
  const auto own = cgroup_directory(read_all("/proc/self/cgroup"), read_all("/proc/self/mountinfo"));
  if (!own) return own.error();
  // This daemon may be a child of another one, which limits it.
  const bool is_child = own->filename().string().starts_with(memory_cgroup::name_prefix);
  // A service manager may have put this process into a group below the delegated one (DelegateSubgroup=).
  const bool is_moved = !is_child && !is_delegated(*own) && is_delegated(own->parent_path());
  const fs::path group = is_moved ? own->parent_path() : *own;
  if (!is_moved && !is_delegated(group)) {
    return error{errc::io, "the control group " + group.string() + " is not delegated to this process"};
  }
  if (!has_word(read_all(group / "cgroup.controllers"), "memory")) {
    return error{errc::io, "the control group " + group.string() + " has no memory controller"};
  }
  if (::access((group / "cgroup.kill").c_str(), F_OK) != 0) {
    return error{errc::io, "this kernel cannot kill a control group: it has no cgroup.kill (Linux 5.14)"};
  }
  const fs::path inner = is_moved ? *own : group / own_group;
  if (!is_moved) {
    if (::mkdir(inner.c_str(), 0755) != 0 && errno != EEXIST)
      return cannot("cannot create the control group", inner, errno);
    if (auto moved = move_processes(group, inner); !moved) return moved.error();
  }
  const fs::path controllers = group / "cgroup.subtree_control";
  if (const int failure = write_cgroup_file(controllers, "+memory"); failure != 0) {
    return cannot("cannot turn on the memory controller with", controllers, failure);
  }
  return taken_cgroup{group, left_child_groups(group, inner)};
}

}  // namespace millrace::loop
