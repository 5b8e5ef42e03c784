#include "settings/resources.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace millrace::settings {

namespace {

using keys = std::vector<std::string>;

/// Identifies a file that only one producer may read, whatever path names it. Empty: any number may read it.
std::string exclusive_input(const std::string& file, const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 4> standard_input{"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
  for (const auto name : standard_input) {
    if (file == name) return "standard input";
  }
  struct stat status {};
  if (::stat((folder / file).c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return {};
  // Two paths of one fifo have the same inode.
  return "device " + std::to_string(status.st_dev) + ", inode " + std::to_string(status.st_ino);
}

bool is_any_host(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool overlap(const network::address& first, const network::address& second) {
  if (!first.unix_path.empty() || !second.unix_path.empty()) return first.unix_path == second.unix_path;
  if (first.port == 0 || first.port != second.port) return false;
  const auto numeric = [](const std::string& host) { return host == "localhost" ? std::string{"127.0.0.1"} : host; };
  return is_any_host(first.host) || is_any_host(second.host) || numeric(first.host) == numeric(second.host);
}

class checker {
 public:
  checker(const settings& all, const node& root, diagnostic_list& diagnostics)
      : settings_{all},
        root_{root},
        diagnostics_{diagnostics},
        folder_{std::filesystem::path{all.file}.parent_path()} {}

  void check_exclusive_use() {
    check_addresses();
    for_each_input_file([this](const std::string& file, const keys& path) {
      if (auto input = exclusive_input(file, folder_); !input.empty()) add_reader(std::move(input), file, path);
    });
  }

  void check_inputs() {
    for_each_input_file([this](const std::string& file, const keys& key) {
      if (file == "-") return;
      const auto path = folder_ / file;
      struct stat status {};
      const bool readable = ::stat(path.c_str(), &status) == 0 && ::access(path.c_str(), R_OK) == 0;
      if (!readable) {
        report(key, "`" + file + "` cannot be read: " + std::generic_category().message(errno),
               "a readable file, or -");
      } else if (S_ISDIR(status.st_mode)) {
        report(key, "`" + file + "` is a directory", "a readable file, or -");
      }
    });
    if (!settings_.daemon.data_dir) return;
    struct stat status {};
    if (::stat((folder_ / *settings_.daemon.data_dir).c_str(), &status) == 0 && !S_ISDIR(status.st_mode))
      report({"daemon", "data_dir"}, "`" + *settings_.daemon.data_dir + "` is a file", "a directory");
  }

 private:
  template <class Visit>
  void for_each_input_file(Visit visit) const {
    for (const auto& producer : settings_.producers) {
      const option* const file = producer.kind == nullptr ? nullptr : producer.kind->options->find("file");
      if (file == nullptr || !producer.kind_options) continue;
      if (const auto path = file->print(producer.kind_options.get()); path && !path->empty())
        visit(*path, keys{"producers", producer.name, "file"});
    }
  }

  void check_addresses() {
    const auto& daemon = settings_.daemon;
    const std::array<std::pair<const char*, const std::optional<network::address>*>, 3> listeners{
        {{"http", &daemon.http}, {"beanstalk", &daemon.beanstalk}, {"control", &daemon.control}}};
    for (std::size_t second = 1; second < listeners.size(); ++second) {
      const char* const key = listeners[second].first;
      const auto& address = *listeners[second].second;
      const auto taken = std::find_if(listeners.begin(), listeners.begin() + second, [&](const auto& first) {
        return address && *first.second && overlap(**first.second, *address);
      });
      if (taken == listeners.begin() + second) continue;
      report({"daemon", key},
             "`" + network::write_address(*address) + "` is the address of " + with_line({"daemon", taken->first}),
             "a different address, or off");
    }
  }

  void add_reader(std::string input, const std::string& file, const keys& path) {
    const auto [first, is_new] = readers_.try_emplace(std::move(input), path);
    if (is_new) return;
    const std::string name = file == "-" ? "standard input" : "`" + file + "`";
    report(path, name + " is already read by " + with_line(first->second),
           "one reader, since two would each get parts of lines");
  }

  void report(const keys& path, const std::string& problem, const std::string& expected) {
    diagnostics_.error(position_of(root_, path), path_of(path), problem, expected);
  }
  /// The path, and its line if it is in the file.
  [[nodiscard]] std::string with_line(const keys& path) const {
    const node* found = &root_;
    for (const auto& key : path) {
      found = found->find(key);
      if (found == nullptr) return path_of(path) + " (by default)";
    }
    return path_of(path) + " (line " + std::to_string(found->start.line) + ")";
  }

  const settings& settings_;
  const node& root_;
  diagnostic_list& diagnostics_;
  const std::filesystem::path folder_;
  std::map<std::string, keys> readers_;  ///< the first reader of each exclusive input
};

}  // namespace

void check_exclusive_use(const settings& settings, const node& root, diagnostic_list& diagnostics) {
  checker{settings, root, diagnostics}.check_exclusive_use();
}

void check_inputs(const settings& settings, const node& root, diagnostic_list& diagnostics) {
  checker{settings, root, diagnostics}.check_inputs();
}

}  // namespace millrace::settings
