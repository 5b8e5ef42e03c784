#pragma once

#include <cstdint>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct fail_options {
  std::uint64_t every{2};
};
[[nodiscard]] const options_of<fail_options>& fail_option_table();

/// Fails every nth job it sees, to try out what becomes of failed jobs. A job that is tried again is counted again.
class fail : public quick_handler {
 public:
  fail(const fail_options& options, const surroundings&) : every_{options.every} {}
  answer handle(const job& work) override;

 private:
  std::uint64_t every_;
  std::uint64_t seen_{0};
};

}  // namespace millrace::handlers
