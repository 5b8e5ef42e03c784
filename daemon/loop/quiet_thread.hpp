#pragma once

#include <functional>
#include <string>
#include <thread>

namespace millrace::loop {

/// A thread beside the loop: no signal is delivered to it, so that none interrupts a call it is in, and system tools show `name`
/// (15 characters of it). Throws std::system_error with that name when the system gives no thread.
[[nodiscard]] std::thread quiet_thread(const std::string& name, std::function<void()> body);

}  // namespace millrace::loop
