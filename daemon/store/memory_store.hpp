#pragma once

#include "store/store.hpp"

namespace millrace::store {

/// Stores nothing; everything is durable at once.
class memory_store final : public store {
 public:
  batch_id append(engine::change_set& changes) override;
  [[nodiscard]] batch_id durable_up_to() const override { return 0; }
  [[nodiscard]] bool is_persistent() const override { return false; }
};

}  // namespace millrace::store
