#pragma once

#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct spin_options {
  std::optional<duration> length;
};
[[nodiscard]] const options_of<spin_options>& spin_option_table();

/// Burns CPU for as long as the body says (or `length`, whatever the body says): a stand-in for work that computes.
/// What counts is CPU time of the thread it is on, so that a busy machine makes it take longer and not compute less.
/// The body goes on.
class spin : public computing_handler {
 public:
  static constexpr duration step_length = milliseconds{1};

  spin(const spin_options& options, const surroundings&) : length_{options.length} {}
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;

 private:
  std::optional<duration> length_;
};

}  // namespace millrace::handlers
