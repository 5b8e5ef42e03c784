#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <millrace/base/kind_registry.hpp>
#include <millrace/base/option.hpp>
#include <millrace/base/result.hpp>
#include <millrace/handlers/handler.hpp>

namespace millrace::handlers {

/// A rule about several options that a consumer breaks.
struct option_problem {
  std::string key;  ///< the option that is to be changed
  std::string problem;
  std::string expected;
};

/// One kind of handler: its name in settings, a one-line summary, its options, and a function that makes it.
struct kind {
  std::string name;
  std::string summary;
  const option_table* options;  ///< a static
  bool computes{false};         ///< may run on threads
  /// Requires: `owner` was made by `options->make()`.
  std::function<result<handler>(const void* owner, const handler_context& context)> make;
  /// Checks rules about several options when settings are read. May be empty. Requires: as `make`.
  std::function<std::optional<option_problem>(const void* owner)> find_problem{};
};

using registry = kind_registry<kind>;

/// Requires: `Handler` has a constructor `Handler(const Options&, const handler_context&)`. It may have a static
/// function `find_problem(const Options&)` that returns `std::optional<option_problem>`.
template <class Handler, class Options>
[[nodiscard]] kind kind_of(std::string name, std::string summary, const options_of<Options>& table) {
  constexpr bool computes = std::is_base_of_v<computing_handler, Handler>;
  kind made{
      std::move(name), std::move(summary), &table, computes,
      [](const void* owner, const handler_context& context) -> result<handler> {
        using base = std::conditional_t<
            computes, computing_handler,
            std::conditional_t<std::is_base_of_v<quick_handler, Handler>, quick_handler, waiting_handler>>;
        return handler{std::unique_ptr<base>{std::make_unique<Handler>(*static_cast<const Options*>(owner), context)}};
      }};
  if constexpr (requires(const Options& options) { Handler::find_problem(options); }) {
    made.find_problem = [](const void* owner) { return Handler::find_problem(*static_cast<const Options*>(owner)); };
  }
  return made;
}

}  // namespace millrace::handlers
