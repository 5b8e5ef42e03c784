#pragma once

#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct spin_options {
  std::optional<duration> length;
};
[[nodiscard]] const options_of<spin_options>& spin_option_table();

/// Computes as long as the body says or for `length`, to simulate handlers that compute. The time is CPU time of the
/// thread, so on a busy machine a job takes longer but computes as much. The output is the body.
class spin : public computing_handler {
 public:
  static constexpr duration step_length = milliseconds{1};

  spin(const spin_options& options, const handler_context&) : length_{options.length} {}
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;

 private:
  std::optional<duration> length_;
};

}  // namespace millrace::handlers
