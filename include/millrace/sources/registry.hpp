#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <millrace/base/kind_registry.hpp>
#include <millrace/base/option.hpp>
#include <millrace/base/result.hpp>
#include <millrace/sources/source.hpp>

namespace millrace::sources {

/// One kind of source: its name in settings (`kind:` of a producer), a one-line summary, its options, and a function
/// that makes it.
struct kind {
  std::string name;
  std::string summary;
  const option_table* options;  ///< a static
  /// Requires: `owner` was made by `options->make()`.
  std::function<result<std::unique_ptr<source>>(const void* owner, const source_context& context)> make;
};

using registry = kind_registry<kind>;

/// Requires: `Source` has a static `result<std::unique_ptr<source>> make(const Options&, const source_context&)`.
template <class Source, class Options>
[[nodiscard]] kind kind_of(std::string name, std::string summary, const options_of<Options>& table) {
  return {std::move(name), std::move(summary), &table, [](const void* owner, const source_context& context) {
            return Source::make(*static_cast<const Options*>(owner), context);
          }};
}

}  // namespace millrace::sources
