#include "service/privileges.hpp"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "store/private_file.hpp"

namespace millrace::service {

namespace {

error cannot_become(const user_identity& target) {
  return {errc::refused, "-u: cannot become '" + target.name + "': " + system_message(errno)};
}

/// Several values mean that there is no such user or group (man 3 getpwnam, getgrnam).
bool is_missing(int error_number) {
  return error_number == 0 || error_number == ENOENT || error_number == ESRCH || error_number == EBADF ||
         error_number == EPERM;
}

/// An open directory. Its descriptor cannot refer to a file that replaces the directory later.
class open_directory {
 public:
  explicit open_directory(const std::string& path)
      : descriptor_{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)} {}
  ~open_directory() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  open_directory(const open_directory&) = delete;
  open_directory& operator=(const open_directory&) = delete;

  /// False with `errno` on failure.
  bool set_owner(const user_identity& owner) const {
    return descriptor_ >= 0 && ::fchown(descriptor_, owner.user, owner.group) == 0;
  }

 private:
  int descriptor_;
};

}  // namespace

result<user_identity> find_user(const std::string& name) {
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called once, and no other code reads the user database
  const passwd* const found = ::getpwnam(name.c_str());
  if (found != nullptr) return user_identity{name, found->pw_uid, found->pw_gid};
  if (is_missing(errno)) return error{errc::not_found, "-u: there is no user '" + name + "'"};
  return error{errc::io, "-u: user '" + name + "' cannot be looked up: " + system_message(errno)};
}

result<gid_t> find_group(const std::string& name) {
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called once, and no other code reads the group database
  const group* const found = ::getgrnam(name.c_str());
  if (found != nullptr) return found->gr_gid;
  if (is_missing(errno)) return error{errc::not_found, "there is no group '" + name + "'"};
  return error{errc::io, "group '" + name + "' cannot be looked up: " + system_message(errno)};
}

result<privileges> privileges::give_up_groups(const user_identity& target) {
  if (::getuid() == target.user && ::geteuid() == target.user && ::getgid() == target.group)
    return privileges{target, false};
  if (::geteuid() != 0)
    return error{errc::refused, "-u: cannot become '" + target.name + "': only root can become another user"};
  if (::initgroups(target.name.c_str(), target.group) != 0 || ::setgid(target.group) != 0) return cannot_become(target);
  return privileges{target, true};
}

result<> privileges::as_user(const std::function<result<>()>& action) {
  if (!is_root_) return action();
  if (::seteuid(target_.user) != 0) return cannot_become(target_);
  auto done = action();
  if (::seteuid(0) != 0) return cannot_become(target_);
  return done;
}

result<> privileges::make_directory(const std::string& path) {
  int failure = 0;
  auto tried = as_user([&]() -> result<> {
    failure = store::make_private_directory(path) ? 0 : errno;
    return {};
  });
  if (!tried || !is_root_ || failure != EACCES) return tried;
  if (!store::make_private_directory(path)) return {};
  if (!open_directory{path}.set_owner(target_)) {
    const error failed{errc::io,
                       path + ": cannot change the owner to '" + target_.name + "': " + system_message(errno)};
    ::rmdir(path.c_str());
    return failed;
  }
  log::info("data_dir_created", "root created the data directory: the user may not write to its parent",
            {{"data_dir", path}, {"owner", target_.name}});
  return {};
}

result<> privileges::give_up_root() {
  if (!is_root_) return {};
  if (::setuid(target_.user) != 0) return cannot_become(target_);
  is_root_ = false;
  if (target_.user != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0))
    return error{errc::refused, "-u: the process could become root again"};
  return {};
}

}  // namespace millrace::service
