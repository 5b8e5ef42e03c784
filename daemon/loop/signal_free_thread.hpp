#pragma once

#include <functional>
#include <string>
#include <thread>

namespace millrace::loop {

/// Starts a thread that receives no signals but those that it causes itself (SIGSEGV, for example), so that no signal
/// from outside interrupts its system calls. System tools show the first 15 characters of `name`. Throws
/// std::system_error with that name when no thread can be started.
[[nodiscard]] std::thread signal_free_thread(const std::string& name, std::function<void()> body);

}  // namespace millrace::loop
