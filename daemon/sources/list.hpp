#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <millrace/sources/registry.hpp>

#include "base/digest.hpp"

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

  /// The place is the number of items given; items may be added at the end of the list, those before the place must be
  /// the same.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {at_, given_ ? given_->value() : 0}; }
  loop::awaitable<result<resumption>> resume(position from) override;

 private:
  const std::string& advance();

  std::vector<std::string> items_;
  std::size_t at_{0};
  std::optional<digest> given_;  ///< of the items up to `at_`
};

}  // namespace millrace::sources
