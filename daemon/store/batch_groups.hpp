#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/change.hpp"

namespace millrace::store {

/// The groups and long actions of a batch, folded: of several states of a group the last one counts, and a group that
/// is forgotten takes its members along. Belongs to its batch.
class batch_groups {
 public:
  struct changed_group {
    engine::group_id group;
    std::optional<engine::group_facts> facts{};
    std::vector<std::pair<std::uint32_t, engine::group_member>> ended{};  ///< place, member
    bool gone{false};  ///< its rows are deleted; nothing else is written of it
  };

  void change(engine::group_changed&& changed);
  void end_member(engine::group_member_ended&& ended);
  void remove(engine::group_id group);
  /// `description`: none, the action is gone.
  void set_action(std::uint64_t number, std::optional<std::string> description);
  void mark_ids(std::uint64_t up_to) noexcept;
  void clear();

  [[nodiscard]] const std::vector<changed_group>& groups() const noexcept { return groups_; }
  [[nodiscard]] const std::map<std::uint64_t, std::optional<std::string>>& actions() const noexcept { return actions_; }
  /// The highest id of a group that was given out; 0: none in this batch.
  [[nodiscard]] std::uint64_t id_mark() const noexcept { return id_mark_; }
  [[nodiscard]] bool empty() const noexcept { return groups_.empty() && actions_.empty() && id_mark_ == 0; }
  /// What it holds in memory.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  changed_group& entry_of(engine::group_id group);

  std::vector<changed_group> groups_;
  boost::unordered_flat_map<std::uint64_t, std::size_t> index_of_;
  std::map<std::uint64_t, std::optional<std::string>> actions_;
  std::uint64_t id_mark_{0};
  std::uint64_t bytes_{0};
};

}  // namespace millrace::store
