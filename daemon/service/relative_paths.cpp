#include "service/relative_paths.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "handlers/path_template.hpp"

namespace millrace::service {

namespace {

/// `operator/` returns an absolute `path` unchanged.
std::string resolve(const std::filesystem::path& folder, std::string_view path) { return (folder / path).string(); }

void resolve_socket(const std::filesystem::path& folder, std::optional<network::address>& address) {
  if (address && !address->unix_path.empty()) address->unix_path = resolve(folder, address->unix_path);
}

/// The path that the option `key` of a kind has, if it has one. `-` means standard input.
void resolve_option(const std::filesystem::path& folder, const option_table& table, const char* key, void* owner) {
  const option* const file = table.find(key);
  if (file == nullptr) return;
  const auto path = file->print(owner);
  if (!path || *path == "-") return;
  // This cannot fail: the text was checked when the file was read.
  static_cast<void>(file->read(owner, resolve(folder, *path)));
}

/// `path` of a handler, which may have placeholders.
void resolve_path_template(const std::filesystem::path& folder, const option_table& table, void* owner) {
  const option* const path = table.find("path");
  if (path == nullptr) return;
  const auto text = path->print(owner);
  const auto parsed = handlers::path_template::parse(text.value_or(""));
  if (!parsed || parsed->is_absolute()) return;
  static_cast<void>(path->read(owner, parsed->text_under(folder.string())));
}

}  // namespace

void resolve_relative_paths(settings::settings& settings) {
  const auto folder = std::filesystem::path{settings.file}.parent_path();
  auto& daemon = settings.daemon;
  if (daemon.data_dir) daemon.data_dir = daemon.store.data_dir = resolve(folder, *daemon.data_dir);
  resolve_socket(folder, daemon.http);
  resolve_socket(folder, daemon.beanstalk);
  resolve_socket(folder, daemon.control);
  for (auto& producer : settings.producers)
    resolve_option(folder, *producer.kind->options, "file", producer.kind_options.get());
  for (auto& consumer : settings.consumers) {
    for (const auto& step : consumer.all_steps()) {
      for (const char* const key : {"ca_file", "certificate_file", "key_file", "directory"})
        resolve_option(folder, *step.kind->options, key, step.kind_options.get());
      resolve_path_template(folder, *step.kind->options, step.kind_options.get());
    }
  }
}

}  // namespace millrace::service
