#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <millrace/base/option_detail.hpp>
#include <millrace/base/option_table.hpp>
#include <millrace/base/quantity.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace {

/// The options of a component that has none.
struct no_options {};

/// Builds the table of `Owner`, whose members' initializers are the defaults:
///
///     static const auto table = options_of<prime_options>{}
///     .choice("method", &prime_options::method,
///             {{"fast", prime_method::fast}, {"trial", prime_method::trial}}, "how it is proven")
///     .count("bits_max", &prime_options::bits_max, {.least = 1, .most = 1u << 20}, "longest number tested, in bits");
///
/// A member may be `std::optional<T>`; then no value is the default. Ranges include both ends. They are checked when an
/// option is read, and the default is asserted to lie in them. `required()` and `example()` change the option added
/// last.
template <class Owner>
class options_of : public option_table {
 public:
  template <class T>
  struct range {
    std::optional<T> least{};
    std::optional<T> most{};
  };

  options_of();

  options_of& flag(std::string key, bool Owner::*member, std::string reason);
  template <class M>
  options_of& count(std::string key, M Owner::*member, range<std::uint64_t> allowed, std::string reason);
  template <class M>
  options_of& size(std::string key, M Owner::*member, range<std::uint64_t> allowed, std::string reason);
  template <class M>
  options_of& duration(std::string key, M Owner::*member, range<millrace::duration> allowed, std::string reason);
  template <class M>
  options_of& rate(std::string key, M Owner::*member, range<double> allowed, std::string reason);
  template <class M>
  options_of& real(std::string key, M Owner::*member, range<double> allowed, std::string reason);
  /// `check` may refuse a text. Its error says what is wrong with it.
  template <class M>
  options_of& text(std::string key, M Owner::*member, std::string reason,
                   std::function<result<>(std::string_view)> check = {}, std::string expected = "text");
  /// A text that is kept as a parsed value; `M` is `Value` or optional. `parse` says what is wrong; `write` inverts it.
  template <class M, class Value>
  options_of& parsed(std::string key, M Owner::*member, std::string reason, result<Value> (*parse)(std::string_view),
                     std::string (*write)(const Value&), std::string expected);
  template <class M, class E = option_detail::held_t<M>>
  options_of& choice(std::string key, M Owner::*member, std::vector<std::pair<std::string, E>> values,
                     std::string reason);
  /// A single item may be written without brackets.
  options_of& text_list(std::string key, std::vector<std::string> Owner::*member, std::string reason,
                        std::function<result<>(std::string_view)> check = {}, std::string expected = "a list of texts");
  /// A list of such texts.
  template <class Value>
  options_of& parsed_list(std::string key, std::vector<Value> Owner::*member, std::string reason,
                          std::type_identity_t<std::function<result<Value>(std::string_view)>> parse,
                          std::type_identity_t<std::string (*)(Value)> write, std::string expected);
  /// The options of a part, nested under `key`. An optional part has a value if the key is given. Requires: `inner`
  /// outlives this table (make it static).
  template <class M>
  options_of& section(std::string key, M Owner::*member, const options_of<option_detail::held_t<M>>& inner,
                      std::string reason);
  /// A key of a feature that does not exist yet. Using it is an error with this sentence.
  options_of& planned(std::string key, std::string sentence);
  /// The same for one word of the choice that was added last.
  options_of& planned_choice(std::string word, std::string sentence);

  options_of& required();
  options_of& example(std::string text);

 private:
  option& add(option_kind kind, std::string key, std::string reason);
  template <class M, class T>
  options_of& quantity(option& added, M Owner::*member, range<T> allowed, result<T> (*parse)(std::string_view),
                       std::string (*write)(T));
};

}  // namespace millrace
