#pragma once

#include <memory>
#include <optional>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct block_options {
  std::optional<duration> length;
};
[[nodiscard]] const options_of<block_options>& block_option_table();

/// Sleeps without awaiting, as long as the body says or for `length`, as a faulty handler does. On the loop nothing
/// else runs meanwhile, to see what the watch for stalls reports; on a thread it holds that thread. It is one step, so
/// that neither `timeout` nor a drain can end it. The output is the body.
class block : public computing_handler {
 public:
  static constexpr duration length_max = minutes{1};

  block(const block_options& options, const handler_context&) : length_{options.length} {}
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;

 private:
  std::optional<duration> length_;
};

}  // namespace millrace::handlers
