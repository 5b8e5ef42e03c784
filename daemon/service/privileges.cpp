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

error cannot_become(const user_identity& to) {
  return {errc::refused, "-u: cannot become '" + to.name + "': " + system_message(errno)};
}

/// An open directory, so that what is done to it is not done to something else that took its name.
class open_directory {
 public:
  explicit open_directory(const std::string& path)
      : descriptor_{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)} {}
  ~open_directory() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  open_directory(const open_directory&) = delete;
  open_directory& operator=(const open_directory&) = delete;

  /// False with `errno`.
  bool give_to(const user_identity& owner) const {
    return descriptor_ >= 0 && ::fchown(descriptor_, owner.user, owner.group) == 0;
  }

 private:
  int descriptor_;
};

}  // namespace

result<user_identity> find_user(const std::string& name) {
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called once, and nothing else here reads the user database
  const passwd* const found = ::getpwnam(name.c_str());
  if (found != nullptr) return user_identity{name, found->pw_uid, found->pw_gid};
  // Several values mean that there is nobody of that name.
  const bool nobody = errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM;
  if (nobody) return error{errc::not_found, "-u: there is no user '" + name + "'"};
  return error{errc::io, "-u: user '" + name + "' cannot be looked up: " + system_message(errno)};
}

result<privileges> privileges::give_up_groups(const user_identity& to) {
  if (::getuid() == to.user && ::geteuid() == to.user && ::getgid() == to.group) return privileges{to, false};
  if (::geteuid() != 0)
    return error{errc::refused, "-u: cannot become '" + to.name + "': only root can become another user"};
  if (::initgroups(to.name.c_str(), to.group) != 0 || ::setgid(to.group) != 0) return cannot_become(to);
  return privileges{to, true};
}

result<> privileges::as_user(const std::function<result<>()>& action) {
  if (!is_root_) return action();
  if (::seteuid(to_.user) != 0) return cannot_become(to_);
  auto done = action();
  if (::seteuid(0) != 0) return cannot_become(to_);
  return done;
}

result<> privileges::make_directory(const std::string& path) {
  int why = 0;
  auto tried = as_user([&]() -> result<> {
    why = store::make_private_directory(path) ? 0 : errno;
    return {};
  });
  if (!tried || !is_root_ || why != EACCES) return tried;
  if (!store::make_private_directory(path)) return {};
  if (!open_directory{path}.give_to(to_)) {
    const error failed{errc::io, path + ": cannot be given to '" + to_.name + "': " + system_message(errno)};
    ::rmdir(path.c_str());
    return failed;
  }
  log::info("data_dir_created", "root created the data directory: the user may not write to its parent",
            {{"data_dir", path}, {"owner", to_.name}});
  return {};
}

result<> privileges::give_up_root() {
  if (!is_root_) return {};
  if (::setuid(to_.user) != 0) return cannot_become(to_);
  is_root_ = false;
  if (to_.user != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0))
    return error{errc::refused, "-u: root's rights could not be given up"};
  return {};
}

}  // namespace millrace::service
