#pragma once

#include <functional>
#include <string>

#include <sys/types.h>

#include <millrace/base/result.hpp>

namespace millrace::service {

/// The system user as whom the daemon runs (`-u`).
struct user_identity {
  std::string name;
  uid_t user{0};
  gid_t group{0};
};

/// The error says that the user does not exist, or why the lookup failed.
[[nodiscard]] result<user_identity> find_user(const std::string& name);

/// The steps from root to another user. The groups of root are given up first, root itself last. In between is done
/// what only root may do (a port below 1024, a directory in a parent of root):
///
///     give_up_groups ─→ as_user, as root where that is not enough ─→ give_up_root
///
/// All threads of the process change together (POSIX). Owned by `main`; one thread calls it. A process that is this
/// user already stays what it is.
class privileges {
 public:
  /// Takes the user's groups and group. The error: this process is not root.
  [[nodiscard]] static result<privileges> give_up_groups(const user_identity& to);

  /// Runs `action` with the rights of the user, so that what it creates belongs to the user.
  result<> as_user(const std::function<result<>()>& action);
  /// Creates the directory with mode 0700 for the user, when it is not there. In a parent where the user may not, root
  /// creates it and the user becomes its owner, which is logged. Any other failure is reported when the store
  /// opens the directory.
  [[nodiscard]] result<> make_directory(const std::string& path);
  /// For good: it is checked that there is no way back.
  [[nodiscard]] result<> give_up_root();

 private:
  explicit privileges(user_identity to, bool is_root) : to_{std::move(to)}, is_root_{is_root} {}

  user_identity to_;
  bool is_root_;  ///< and is to become somebody else
};

}  // namespace millrace::service
