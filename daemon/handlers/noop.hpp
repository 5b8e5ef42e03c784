#pragma once

#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

struct noop_options {};
[[nodiscard]] const options_of<noop_options>& noop_option_table();

/// The body goes on unchanged: what is left is the cost of everything around a handler.
class noop : public quick_handler {
 public:
  noop(const noop_options&, const surroundings&) {}
  answer handle(const job& work) override;
};

}  // namespace millrace::handlers
