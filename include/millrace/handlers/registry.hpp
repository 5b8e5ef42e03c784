#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <millrace/base/kind_registry.hpp>
#include <millrace/base/option.hpp>
#include <millrace/base/result.hpp>
#include <millrace/handlers/handler.hpp>

namespace millrace::handlers {

/// One kind of handler: its name in settings, a one-line summary, its options, and a function that makes it.
struct kind {
  std::string name;
  std::string summary;
  const option_table* options;  ///< a static
  bool computes{false};         ///< may run on threads
  /// Requires: `owner` was made by `options->make()`.
  std::function<result<handler>(const void* owner, const handler_context& context)> make;
};

using registry = kind_registry<kind>;

/// Requires: `Handler` has a constructor `Handler(const Options&, const handler_context&)`.
template <class Handler, class Options>
[[nodiscard]] kind kind_of(std::string name, std::string summary, const options_of<Options>& table) {
  constexpr bool computes = std::is_base_of_v<computing_handler, Handler>;
  return {
      std::move(name), std::move(summary), &table, computes,
      [](const void* owner, const handler_context& context) -> result<handler> {
        using base = std::conditional_t<
            computes, computing_handler,
            std::conditional_t<std::is_base_of_v<quick_handler, Handler>, quick_handler, waiting_handler>>;
        return handler{std::unique_ptr<base>{std::make_unique<Handler>(*static_cast<const Options*>(owner), context)}};
      }};
}

}  // namespace millrace::handlers
