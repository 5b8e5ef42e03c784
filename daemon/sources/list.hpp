#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <millrace/sources/registry.hpp>

namespace millrace::sources {

struct list_options {
  std::vector<std::string> items;
};
[[nodiscard]] const options_of<list_options>& list_option_table();

/// The items in the order in which they are written.
class list : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const list_options& options, const surroundings& where);
  explicit list(std::vector<std::string> items) : items_{std::move(items)} {}

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return false; }

 private:
  std::vector<std::string> items_;
  std::size_t at_{0};
};

}  // namespace millrace::sources
