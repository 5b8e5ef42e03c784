#include "service/relative_paths.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::service {

namespace {

/// `operator/` returns an absolute `path` unchanged.
std::string resolve(const std::filesystem::path& folder, std::string_view path) { return (folder / path).string(); }

void resolve_socket(const std::filesystem::path& folder, std::optional<network::address>& address) {
  if (address && !address->unix_path.empty()) address->unix_path = resolve(folder, address->unix_path);
}

}  // namespace

void resolve_relative_paths(settings::settings& settings) {
  const auto folder = std::filesystem::path{settings.file}.parent_path();
  auto& daemon = settings.daemon;
  if (daemon.data_dir) daemon.data_dir = daemon.store.data_dir = resolve(folder, *daemon.data_dir);
  resolve_socket(folder, daemon.http);
  resolve_socket(folder, daemon.beanstalk);
  resolve_socket(folder, daemon.control);
  for (auto& producer : settings.producers) {
    const option* file = producer.kind->options->find("file");
    if (file == nullptr) continue;
    const auto path = file->print(producer.kind_options.get());
    if (!path || *path == "-") continue;
    // This cannot fail: the text was checked when the file was read.
    static_cast<void>(file->read(producer.kind_options.get(), resolve(folder, *path)));
  }
}

}  // namespace millrace::service
