#pragma once

#include <cstddef>
#include <memory>

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct hash_options {};
[[nodiscard]] const options_of<hash_options>& hash_option_table();

/// The SHA-256 of the body as 64 hexadecimal digits.
class hash : public computing_handler {
 public:
  /// Bytes that one step hashes: 1 to 2 ms, or a third of that on processors with SHA instructions.
  static constexpr std::size_t step_bytes = std::size_t{512} * 1024;

  hash(const hash_options&, const handler_context&) {}
  result<std::unique_ptr<offload::computation>> begin(const job& work) override;
};

}  // namespace millrace::handlers
