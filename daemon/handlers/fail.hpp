#pragma once

#include <cstdint>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct fail_options {
  std::uint64_t every{2};
};
[[nodiscard]] const options_of<fail_options>& fail_option_table();

/// Fails every nth attempt, to try out the handling of failed jobs. Each attempt of a job counts.
class fail : public quick_handler {
 public:
  fail(const fail_options& options, const handler_context&) : every_{options.every} {}
  answer handle(const job& work) override;

 private:
  std::uint64_t every_;
  std::uint64_t handled_{0};
};

}  // namespace millrace::handlers
