#pragma once

#include <cstddef>
#include <memory>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct hash_options {};
[[nodiscard]] const options_of<hash_options>& hash_option_table();

/// sha256 of the body's bytes as 64 hexadecimal digits.
class hash : public computing_handler {
 public:
  /// What one step takes in: 1 to 2 ms without, a third of that with the processor's instructions for it.
  static constexpr std::size_t step_bytes = std::size_t{512} * 1024;

  hash(const hash_options&, const surroundings&) {}
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;
};

}  // namespace millrace::handlers
