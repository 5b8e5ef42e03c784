#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/handlers/registry.hpp>

namespace millrace::handlers {

/// A handler as a text, from which another process of the same program makes it again: an object of JSON with the name
/// of the kind and every option that has a value, as settings write them.
/// Requires: `owner` was made by `handler_kind.options->make()`.
[[nodiscard]] std::string write_definition(const kind& handler_kind, const void* owner);

/// Makes the handler of a text that `write_definition` wrote. An error means that this program is another one, or what
/// the handler itself says.
[[nodiscard]] result<handler> read_definition(std::string_view text, const registry& kinds,
                                              const handler_context& context);

}  // namespace millrace::handlers
