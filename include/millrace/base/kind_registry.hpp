#pragma once

#include <cassert>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// Finds a kind of handler or source by the name that it has in settings. `Kind` has members `name`, `options` and
/// `make`. Filled once at start, before settings are read; afterwards it is only read, by the loop thread.
template <class Kind>
class kind_registry {
 public:
  /// Requires: the name is new (asserted).
  void add(Kind kind) {
    assert(kind.options != nullptr && kind.make);
    std::string name = kind.name;
    [[maybe_unused]] const bool is_new = kinds_.emplace(std::move(name), std::move(kind)).second;
    assert(is_new && "a kind's name is used once");
  }

  /// Null: there is no kind of that name.
  [[nodiscard]] const Kind* find(std::string_view name) const {
    const auto found = kinds_.find(name);
    return found == kinds_.end() ? nullptr : &found->second;
  }

  /// In alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> out;
    out.reserve(kinds_.size());
    for (const auto& [name, kind] : kinds_) out.push_back(name);
    return out;
  }

 private:
  std::map<std::string, Kind, std::less<>> kinds_;
};

}  // namespace millrace
