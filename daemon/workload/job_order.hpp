#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <millrace/base/body.hpp>
#include <millrace/base/result.hpp>
#include <millrace/handlers/job_template.hpp>

#include "engine/command.hpp"

namespace millrace::workload {

/// `order_by`: a template whose text for each body is a whole number or a duration, which counts in milliseconds. A
/// smaller value goes first; `-` before the placeholder reverses that. Immutable; any thread.
class job_order {
 public:
  /// The middle of the priorities stands for 0.
  static constexpr std::int64_t value_least = -(std::int64_t{1} << 31);
  static constexpr std::int64_t value_most = (std::int64_t{1} << 31) - 1;
  /// For the error messages and the documents of options.
  static constexpr std::string_view expected =
      "a text with ${body}, ${json:/path} or ${field:N} that becomes a whole number or a duration, like "
      "\"-${json:/length}\"";

  /// An error also where the text is the same for all bodies, or needs what only a job in a queue has.
  [[nodiscard]] static result<job_order> parse(std::string_view text);
  [[nodiscard]] static std::string write(const job_order& parsed) {
    return handlers::job_template::write(parsed.template_);
  }

  /// The priority of a job with this body. An error is `rejected`.
  [[nodiscard]] result<engine::priority> priority_of(const body& content) const;

 private:
  explicit job_order(handlers::job_template parsed) : template_{std::move(parsed)} {}

  handlers::job_template template_;
};

}  // namespace millrace::workload
