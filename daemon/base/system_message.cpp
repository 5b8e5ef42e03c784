#include "base/system_message.hpp"

#include <errno.h>
#include <sys/resource.h>

#include <boost/system/system_error.hpp>
#include <new>
#include <system_error>

namespace millrace {

namespace {

constexpr rlim_t bytes_in_kibibyte = 1'024;

std::string limit_of(decltype(RLIMIT_NOFILE) resource, rlim_t unit = 1) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return "unknown";
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur / unit);
}

std::string memory_limit() { return "ulimit -v, " + limit_of(RLIMIT_AS, bytes_in_kibibyte) + " KiB, or MemoryMax="; }

/// Empty: the error is not that of a limit.
std::string limit_behind(int error_number) {
  switch (error_number) {
    case EMFILE:
      return " (the limit is " + limit_of(RLIMIT_NOFILE) + ": raise it with ulimit -n or LimitNOFILE=)";
    case ENFILE:
      return " (raise the limit of the whole system: sysctl fs.file-max)";
    case ENOMEM:
      return " (raise the limit of memory: " + memory_limit() + ")";
    default:
      return {};
  }
}

/// An error of a constructor, whose calls are fewer: `EAGAIN` is that of a thread, `ENOSPC` that of epoll.
std::string limit_behind_construction(int error_number) {
  switch (error_number) {
    case EAGAIN:
      return " (raise the limit of threads: ulimit -u, " + limit_of(RLIMIT_NPROC) +
             ", or TasksMax=; or of memory: " + memory_limit() + ")";
    case ENOSPC:
      return " (raise sysctl fs.epoll.max_user_watches)";
    default:
      return limit_behind(error_number);
  }
}

}  // namespace

std::string system_message(int error_number) {
  return std::generic_category().message(error_number) + limit_behind(error_number);
}

std::string message_of(const std::exception& failure) {
  if (dynamic_cast<const std::bad_alloc*>(&failure) != nullptr) return "out of memory" + limit_behind(ENOMEM);
  if (const auto* const known = dynamic_cast<const std::system_error*>(&failure))
    return failure.what() + limit_behind_construction(known->code().value());
  if (const auto* const known = dynamic_cast<const boost::system::system_error*>(&failure))
    return failure.what() + limit_behind_construction(known->code().value());
  return failure.what();
}

}  // namespace millrace
