#pragma once

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "store/batch_groups.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

/// The statements that write the groups and long actions of a batch as rows, prepared once. Belongs to a connection and
/// its thread.
class group_writer {
 public:
  [[nodiscard]] static result<group_writer> prepare(sqlite::connection& data);
  group_writer() = default;

  /// Inside a transaction of the caller.
  [[nodiscard]] result<> write(const batch_groups& changes, duration wall_offset);

 private:
  [[nodiscard]] result<> write(const batch_groups::changed_group& group, duration wall_offset);
  [[nodiscard]] result<> remove(engine::group_id group);

  sqlite::statement group_, remove_group_, member_, remove_members_, action_, remove_action_;
};

}  // namespace millrace::store
