#pragma once

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <string>
#include <vector>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace millrace::loop {

/// A loop whose clock stands still, and a scope for the tasks of one test. The destructor cancels tasks that still run.
struct still_loop {
  event_loop loop{clock_kind::manual};
  task_scope scope{loop};

  still_loop() = default;
  ~still_loop() {
    scope.cancel();
    loop.run_ready();
  }
  still_loop(const still_loop&) = delete;
  still_loop& operator=(const still_loop&) = delete;
};

/// The events of a test, in order.
using diary = std::vector<std::string>;

/// Notes the end of `work`: `done`, `cancelled` or the text of its exception.
inline awaitable<> noting_the_end(awaitable<> work, std::string& end) {
  try {
    co_await std::move(work);
    end = "done";
  } catch (const boost::system::system_error& e) {
    end = e.code() == boost::asio::error::operation_aborted ? "cancelled" : e.what();
    if (e.code() == boost::asio::error::operation_aborted) throw;
  } catch (const std::exception& e) {
    end = e.what();
  }
}

}  // namespace millrace::loop
