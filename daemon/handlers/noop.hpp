#pragma once

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct noop_options {};
[[nodiscard]] const options_of<noop_options>& noop_option_table();

/// Returns the body unchanged, to measure the cost of everything except the handler.
class noop : public quick_handler {
 public:
  noop(const noop_options&, const handler_context&) {}
  answer handle(const job& work) override;
};

}  // namespace millrace::handlers
