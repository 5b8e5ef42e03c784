#include "service/relative_paths.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::service {

namespace {

/// An absolute path replaces what stands before it.
std::string beside(const std::filesystem::path& folder, std::string_view written) {
  return (folder / written).string();
}

void find_socket_beside(const std::filesystem::path& folder, std::optional<network::address>& address) {
  if (address && !address->unix_path.empty()) address->unix_path = beside(folder, address->unix_path);
}

}  // namespace

void find_files_beside(settings::settings& what) {
  const auto folder = std::filesystem::path{what.file}.parent_path();
  if (what.daemon.data_dir) what.daemon.data_dir = what.daemon.store.data_dir = beside(folder, *what.daemon.data_dir);
  find_socket_beside(folder, what.daemon.http);
  find_socket_beside(folder, what.daemon.beanstalk);
  for (auto& producer : what.producers) {
    const option* file = producer.kind->options->find("file");
    if (file == nullptr) continue;
    const auto written = file->print(producer.kind_options.get());
    if (!written || *written == "-") continue;
    // That the text is good was checked when it was read.
    static_cast<void>(file->read(producer.kind_options.get(), beside(folder, *written)));
  }
}

}  // namespace millrace::service
