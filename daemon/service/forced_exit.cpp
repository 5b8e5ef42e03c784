#include "service/forced_exit.hpp"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>

#include "base/log.hpp"

namespace millrace::service {
namespace {

extern "C" void on_alarm(int) {
  // Only async-signal-safe calls that cannot block.
  static constexpr char message[] = "millraced: shutdown took too long, so the process ends now\n";
  ::pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&standard_error, 1, 0) == 1 && ::write(STDERR_FILENO, message, sizeof message - 1) < 0) ::_exit(1);
  ::_exit(1);
}

constexpr duration log_timeout = seconds{2};

std::atomic<int> uncaught_exit_code{1};

void write_line(const char* text) {
  for (const std::string_view part :
       {std::string_view{"millraced: "}, std::string_view{text}, std::string_view{"\n"}}) {
    if (::write(STDERR_FILENO, part.data(), part.size()) < 0) return;  // nowhere to report it
  }
}

/// Requires: called as the terminate handler. Allocates nothing.
void on_terminate() {
  if (const auto thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      write_line("out of memory: the process ends");
      ::_exit(uncaught_exit_code.load());
    } catch (const std::system_error& failure) {
      write_line(failure.what());
      ::_exit(uncaught_exit_code.load());
    } catch (const std::exception& failure) {
      write_line(failure.what());
    } catch (...) {
      write_line("an exception of an unknown type");
    }
  }
  std::abort();
}

}  // namespace

void exit_without_closing(exit_code code) {
  log::stop(log_timeout);
  ::_exit(static_cast<int>(code));
}

void set_uncaught_exit_code(exit_code code) {
  uncaught_exit_code.store(static_cast<int>(code));
  std::set_terminate(on_terminate);
}

void schedule_forced_exit(duration timeout) {
  struct ::sigaction action {};
  action.sa_handler = on_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(static_cast<unsigned>(std::chrono::ceil<seconds>(timeout).count()));
}

}  // namespace millrace::service
