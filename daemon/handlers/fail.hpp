#pragma once

#include <cstdint>
#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct fail_options {
  std::optional<std::uint64_t> every{};  ///< none: 2, or 1 where `times` is given
  std::optional<std::uint32_t> times{};
  bool for_good{false};
  std::optional<duration> later{};
};
[[nodiscard]] const options_of<fail_options>& fail_option_table();

/// Fails every nth attempt, to try out the handling of failed jobs. Each attempt of a job counts. With `times` only the
/// first attempts of each job fail.
class fail : public quick_handler {
 public:
  fail(const fail_options& options, const handler_context&)
      : options_{options}, every_{options.every.value_or(options.times ? 1 : 2)} {}
  answer handle(const job& work) override;

 private:
  fail_options options_;
  std::uint64_t every_;
  std::uint64_t handled_{0};
};

}  // namespace millrace::handlers
