#include "settings/claims.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace millrace::settings {

namespace {

using keys = std::vector<std::string>;

/// What a producer's file is, if only one may read it: the same text for the same thing. Empty: any number may.
std::string exclusive_input(const std::string& file, const std::filesystem::path& folder) {
  constexpr std::array<std::string_view, 4> standard_input{"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
  for (const auto name : standard_input) {
    if (file == name) return "standard input";
  }
  struct stat facts {};
  if (::stat((folder / file).c_str(), &facts) != 0 || S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode)) return {};
  // Two names of one fifo are one fifo.
  return "device " + std::to_string(facts.st_dev) + ", inode " + std::to_string(facts.st_ino);
}

bool is_any_host(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

bool overlap(const network::address& one, const network::address& other) {
  if (!one.unix_path.empty() || !other.unix_path.empty()) return one.unix_path == other.unix_path;
  if (one.port == 0 || one.port != other.port) return false;
  const auto plain = [](const std::string& host) { return host == "localhost" ? std::string{"127.0.0.1"} : host; };
  return is_any_host(one.host) || is_any_host(other.host) || plain(one.host) == plain(other.host);
}

class checker {
 public:
  checker(const settings& all, const node& root, complaint_list& complaints)
      : all_{all}, root_{root}, complaints_{complaints}, folder_{std::filesystem::path{all.file}.parent_path()} {}

  void check_owners() {
    check_addresses();
    each_input_file([this](const std::string& file, const keys& place) {
      if (auto input = exclusive_input(file, folder_); !input.empty()) claim(std::move(input), file, place);
    });
  }

  void check_inputs() {
    each_input_file([this](const std::string& file, const keys& place) {
      if (file == "-") return;
      const auto path = folder_ / file;
      struct stat facts {};
      const bool readable = ::stat(path.c_str(), &facts) == 0 && ::access(path.c_str(), R_OK) == 0;
      if (!readable) {
        complain(place, "`" + file + "` cannot be read: " + std::generic_category().message(errno),
                 "a file that can be read, or -");
      } else if (S_ISDIR(facts.st_mode)) {
        complain(place, "`" + file + "` is a directory", "a file that can be read, or -");
      }
    });
    if (!all_.daemon.data_dir) return;
    struct stat facts {};
    if (::stat((folder_ / *all_.daemon.data_dir).c_str(), &facts) == 0 && !S_ISDIR(facts.st_mode))
      complain({"daemon", "data_dir"}, "`" + *all_.daemon.data_dir + "` is a file", "a directory");
  }

 private:
  template <class Take>
  void each_input_file(Take take) const {
    for (const auto& producer : all_.producers) {
      const option* const file = producer.kind == nullptr ? nullptr : producer.kind->options->find("file");
      if (file == nullptr || !producer.kind_options) continue;
      if (const auto path = file->print(producer.kind_options.get()); path && !path->empty())
        take(*path, keys{"producers", producer.name, "file"});
    }
  }

  void check_addresses() {
    const auto& http = all_.daemon.http;
    const auto& beanstalk = all_.daemon.beanstalk;
    if (!http || !beanstalk || !overlap(*http, *beanstalk)) return;
    complain({"daemon", "beanstalk"},
             "`" + network::write_address(*beanstalk) + "` is the address of " + written({"daemon", "http"}),
             "an address of its own, or off");
  }

  void claim(std::string input, const std::string& path, const keys& place) {
    const auto [first, is_new] = owners_.try_emplace(std::move(input), place);
    if (is_new) return;
    const std::string name = path == "-" ? "standard input" : "`" + path + "`";
    complain(place, name + " is read by " + written(first->second) + " already", "one reader: lines would be torn");
  }

  void complain(const keys& place, const std::string& wrong, const std::string& expected) {
    complaints_.error(place_of(root_, place), joined(place), wrong, expected);
  }
  /// The key, and its line if it stands in the file.
  [[nodiscard]] std::string written(const keys& place) const {
    const node* part = &root_;
    for (const auto& key : place) {
      part = part->find(key);
      if (part == nullptr) return joined(place) + " (by default)";
    }
    return joined(place) + " (line " + std::to_string(part->at.line) + ")";
  }
  static std::string joined(const keys& place) {
    std::string out;
    for (const auto& key : place) out = path_of(out, key);
    return out;
  }

  const settings& all_;
  const node& root_;
  complaint_list& complaints_;
  const std::filesystem::path folder_;
  std::map<std::string, keys> owners_;
};

}  // namespace

void check_claims(const settings& all, const node& root, complaint_list& complaints) {
  checker{all, root, complaints}.check_owners();
}

void check_inputs(const settings& all, const node& root, complaint_list& complaints) {
  checker{all, root, complaints}.check_inputs();
}

}  // namespace millrace::settings
