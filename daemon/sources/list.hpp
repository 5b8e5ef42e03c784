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

/// The items of the settings, in their order.
class list : public source {
 public:
  [[nodiscard]] static result<std::unique_ptr<source>> make(const list_options& options, const source_context& context);
  explicit list(std::vector<std::string> items) : items_{std::move(items)} {}

  next_body next(instant now) override;
  loop::awaitable<> more() override;
  [[nodiscard]] bool endless() const override { return false; }

  /// The position is the number of items that were returned. They must be the same at a restart, while items may be
  /// added at the end.
  bool track_position() override;
  [[nodiscard]] position reached() const override { return {returned_, digest_ ? digest_->value() : 0}; }
  loop::awaitable<result<resumption>> resume(position stored) override;

 private:
  const std::string& advance();

  std::vector<std::string> items_;
  std::size_t returned_{0};
  std::optional<digest> digest_;  ///< of the returned items
};

}  // namespace millrace::sources
