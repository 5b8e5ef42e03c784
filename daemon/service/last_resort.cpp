#include "service/last_resort.hpp"

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

extern "C" void leave(int) {
  // Only what a signal handler may do, and nothing that could wait.
  static constexpr char words[] = "millraced: something did not end in time, leaving without it\n";
  ::pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&standard_error, 1, 0) == 1 && ::write(STDERR_FILENO, words, sizeof words - 1) < 0) ::_exit(1);
  ::_exit(1);
}

constexpr duration log_patience = seconds{2};

std::atomic<int> code_without_memory{1};

void write_line(const char* text) {
  // Nothing is left to be done when standard error fails.
  for (const std::string_view part :
       {std::string_view{"millraced: "}, std::string_view{text}, std::string_view{"\n"}}) {
    if (::write(STDERR_FILENO, part.data(), part.size()) < 0) return;
  }
}

/// Requires: called as the terminate handler. Allocates nothing.
void terminated() {
  if (const auto thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      write_line("out of memory in a place that cannot go on without: leaving");
      ::_exit(code_without_memory.load());
    } catch (const std::system_error& failure) {
      write_line(failure.what());
      ::_exit(code_without_memory.load());
    } catch (const std::exception& failure) {
      write_line(failure.what());
    } catch (...) {
      write_line("an exception of an unknown type");
    }
  }
  std::abort();
}

}  // namespace

void leave_without_closing(exit_code code) {
  log::stop(log_patience);
  ::_exit(static_cast<int>(code));
}

void end_quietly_without_memory(exit_code code) {
  code_without_memory.store(static_cast<int>(code));
  std::set_terminate(terminated);
}

void arm_last_resort(duration patience) {
  struct ::sigaction action {};
  action.sa_handler = leave;
  ::sigaction(SIGALRM, &action, nullptr);
  ::alarm(static_cast<unsigned>(std::chrono::ceil<seconds>(patience).count()));
}

}  // namespace millrace::service
