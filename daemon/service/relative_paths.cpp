#include "service/relative_paths.hpp"

#include <filesystem>

namespace millrace::service {

void find_files_beside(settings::settings& what) {
  const auto folder = std::filesystem::path{what.file}.parent_path();
  for (auto& producer : what.producers) {
    const option* file = producer.kind->options->find("file");
    if (file == nullptr) continue;
    const auto written = file->print(producer.kind_options.get());
    if (!written || *written == "-") continue;
    // An absolute path replaces what stands before it. That the text is good was checked when it was read.
    static_cast<void>(file->read(producer.kind_options.get(), (folder / *written).string()));
  }
}

}  // namespace millrace::service
