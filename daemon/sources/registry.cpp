#include <millrace/sources/registry.hpp>

#include <cassert>
#include <utility>

namespace millrace::sources {

void registry::add(kind what) {
  assert(what.options != nullptr && what.make);
  std::string name = what.name;
  [[maybe_unused]] const bool is_new = kinds_.emplace(std::move(name), std::move(what)).second;
  assert(is_new && "a source's name is used once");
}

const kind* registry::find(std::string_view name) const {
  const auto found = kinds_.find(name);
  return found == kinds_.end() ? nullptr : &found->second;
}

std::vector<std::string> registry::names() const {
  std::vector<std::string> out;
  out.reserve(kinds_.size());
  for (const auto& [name, what] : kinds_) out.push_back(name);
  return out;
}

}  // namespace millrace::sources
