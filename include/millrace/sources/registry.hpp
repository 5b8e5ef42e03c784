#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  std::function<result<std::unique_ptr<source>>(const void* owner, const surroundings& where)> make;
};

/// Finds a kind by its name. Filled once at start, before settings are read.
class registry {
 public:
  /// Requires: the name is new (asserted).
  void add(kind what);
  [[nodiscard]] const kind* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, kind, std::less<>> kinds_;
};

/// Requires: `Source` has a static `result<std::unique_ptr<source>> make(const Options&, const surroundings&)`.
template <class Source, class Options>
[[nodiscard]] kind kind_of(std::string name, std::string summary, const options_of<Options>& table) {
  return {std::move(name), std::move(summary), &table, [](const void* owner, const surroundings& where) {
            return Source::make(*static_cast<const Options*>(owner), where);
          }};
}

}  // namespace millrace::sources
