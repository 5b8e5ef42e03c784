#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

#include <millrace/base/result.hpp>

namespace millrace::service {

/// The system user under which the daemon runs (`-u`).
struct user_identity {
  std::string name;
  uid_t user{0};
  gid_t group{0};
};

/// The error: the user does not exist, or the lookup failed.
[[nodiscard]] result<user_identity> find_user(const std::string& name);

/// The error: the group does not exist, or the lookup failed.
[[nodiscard]] result<gid_t> find_group(const std::string& name);

/// The steps from root to another user. The groups of root are given up first, and root itself last. Between these
/// steps the process can still do what only root may do (a port below 1024, a directory in a parent of root):
///
///     give_up_groups ─→ as_user; as root where that is not enough ─→ give_up_root
///
/// All threads of the process change together (POSIX). If the process already runs as this user, nothing changes.
///
/// Owned by `run`. One thread calls it.
class privileges {
 public:
  /// Changes to the groups of the user. The error: this process is not root.
  [[nodiscard]] static result<privileges> give_up_groups(const user_identity& target);

  /// Runs `action` with the rights of the user, so that what it creates belongs to the user.
  result<> as_user(const std::function<result<>()>& action);
  /// Creates the directory with mode 0700 for the user, if it does not exist. If the user may not write to the parent,
  /// root creates it, makes the user its owner, and logs this. Other failures are ignored here: the store reports them
  /// when it opens the directory.
  [[nodiscard]] result<> make_directory(const std::string& path);
  /// Becomes the user permanently. Checks that the process cannot become root again.
  [[nodiscard]] result<> give_up_root();

 private:
  explicit privileges(user_identity target, bool is_root) : target_{std::move(target)}, is_root_{is_root} {}

  user_identity target_;
  bool is_root_;  ///< the process is root and `target_` is not reached yet
};

}  // namespace millrace::service
