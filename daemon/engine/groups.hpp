#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include <millrace/base/result.hpp>

#include "engine/capacity_waiters.hpp"
#include "engine/change.hpp"
#include "engine/command.hpp"
#include "engine/core.hpp"

/// What happens to groups: they are opened and closed, jobs join them and end, and a group that has ended puts its
/// outcome. Requires: the caller runs a command, and calls `update_groups` at its end.
namespace millrace::engine {

/// `refused` beyond `groups_max`, and where the outcome queue cannot be made; `not_found` if the outer group is not
/// there or takes no members. `owner`: its end closes the group; nullptr: none.
result<group_id> open_group(core& core, session* owner, group_request&& request);
/// No more members join. False if the group is gone or closed.
bool close_group(core& core, group_id id);
/// Closes the groups of a session that ends.
void close_groups_of(core& core, session& owner);
/// The newest restored or released group of that name that is not closed. It belongs to the session from now on.
std::optional<group_id> continue_group(core& core, session& owner, std::string_view name);

/// The session stops owning the group, so that a later run of its producer may continue it. False: the group is gone or
/// closed.
bool release_group(core& core, group_id id);
/// Opens a group, puts all its jobs and closes it, or does nothing: see engine::put_group.
result<group_id> put_group(core& core, group_request&& request, std::vector<output>&& jobs);

/// Why a put cannot join that group: `cancelled`, the group is gone or takes no members; `overflow`, it has
/// `group_members_max`. None: it can.
[[nodiscard]] std::optional<reason> refusal_to_join(const core& core, group_id id);
/// The new job becomes a member. False: the group closed or ended while the put waited for capacity.
bool join_group(core& core, slot at, const put_request& request);
/// Whether the group cancels its remaining members. A job whose put waited until after the end of such a group cannot
/// join it, and is cancelled.
[[nodiscard]] bool cancels_late_members(const core& core, group_id id);

/// Ends the member whose job has ended. A buried job that was kicked can end again: only the first end of a member
/// counts. `text`: the result of an `ok` job, else its error.
void note_member_end(core& core, const job_details& member, outcome result, std::string_view text);

/// Ends groups whose time has come, puts outcomes, and records the changes of groups.
void update_groups(core& core);
/// Puts the outcome that is the first to wait for capacity of that queue. False: it goes on waiting.
bool admit_outcome(core& core, queue& into, capacity_waiter& waiter);

/// Does what is due for the group: closes it if it was open too long, cancels members, makes a part of its outcome, or
/// compares a restored group with its jobs. Moves at most about `most` jobs. Returns how many, at least 1; `most` for a
/// part of the outcome.
std::size_t do_due_of_group(core& core, group_id id, std::size_t most);

/// Restores a group that a store kept. Its jobs come later. Requires: no group has that id.
void restore_group(core& core, kept_group&& kept);
/// The restored job takes its place in its group. If the store did not keep the group, the job forgets it.
void restore_member(core& core, const queue& owner, job_id job, job_details& details);

}  // namespace millrace::engine
