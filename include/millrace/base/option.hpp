#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/quantity.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace {

/// How a value is written in a settings file.
enum class option_kind { flag, count, size, time, rate, real, text, choice, text_list, section };

/// One setting of a component as data: everything that reading, printing, the schema and the commented example need.
/// Works on an owner whose type only its `option_table` knows.
struct option {
  std::string key;  ///< as written in YAML, snake_case
  option_kind kind{option_kind::text};
  std::string reason;    ///< one sentence for people: what it is for, and its unit if that is not plain
  std::string expected;  ///< what a good value looks like, for complaints: `a duration from 1ms to 1h`
  std::string example;   ///< a value for the commented example when there is no default; may be empty
  bool required{false};
  std::string planned;  ///< not empty: the key is known but not here yet; setting it is an error that says this
  std::vector<std::string> choices;  ///< of a `choice`
  /// Of a `choice`: words that are known but not here yet, each with the sentence that says so.
  std::vector<std::pair<std::string, std::string>> planned_choices;
  /// Bounds for the schema, in the kind's own unit (ns, bytes, count, per second); nullopt where there is none.
  std::optional<double> at_least;
  std::optional<double> at_most;
  const class option_table* section{nullptr};  ///< of a `section`: the nested table

  /// Scalar kinds: reads one scalar as written. The error's text says what is wrong, without the key.
  std::function<result<>(void* owner, std::string_view text)> read;
  /// `text_list`: reads all items.
  std::function<result<>(void* owner, const std::vector<std::string>& items)> read_list;
  /// `section`: the nested owner.
  std::function<void*(void* owner)> open_section;
  std::function<const void*(const void* owner)> view_section;
  /// What stands there now, as it would be written; nullopt when nothing stands there (an optional without value).
  std::function<std::optional<std::string>(const void* owner)> print;
  std::function<std::vector<std::string>(const void* owner)> print_list;
};

/// All options of one component, in the order in which people should read them.
class option_table {
 public:
  [[nodiscard]] const std::vector<option>& options() const noexcept { return options_; }
  [[nodiscard]] const option* find(std::string_view key) const noexcept;
  /// A fresh owner with every default filled in.
  [[nodiscard]] std::shared_ptr<void> make() const { return make_(); }

 protected:
  std::vector<option> options_;
  std::function<std::shared_ptr<void>()> make_;
};

namespace option_detail {

/// What a member holds when it holds something: T of `T` and of `std::optional<T>`.
template <class M>
struct held {
  using type = M;
};
template <class T>
struct held<std::optional<T>> {
  using type = T;
};
template <class M>
using held_t = typename held<M>::type;

}  // namespace option_detail

/// A table of no options at all.
struct no_options {};

/// Builds the table of `Owner`, whose members' initializers are the defaults:
///
///     static const auto table = options_of<prime_options>{}
///         .choice("method", &prime_options::how, {{"fast", method::fast}, {"trial", method::trial}}, "how it is proven")
///         .count("bits_max", &prime_options::bits_max, {.least = 1, .most = 1u << 20}, "longest number tested, in bits");
///
/// A member may be `std::optional<T>`: then its absence is the default. Ranges include both ends; they are checked when read,
/// and the default is asserted to lie in them. The last option can be changed by `required()`, `example()`, `planned()`.
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
  /// `check` may refuse a text with an error that says what is wrong.
  template <class M>
  options_of& text(std::string key, M Owner::*member, std::string reason,
                   std::function<result<>(std::string_view)> check = {}, std::string expected = "text");
  template <class M, class E = option_detail::held_t<M>>
  options_of& choice(std::string key, M Owner::*member, std::vector<std::pair<std::string, E>> values,
                     std::string reason);
  /// One item alone may be written without the brackets.
  options_of& text_list(std::string key, std::vector<std::string> Owner::*member, std::string reason,
                        std::function<result<>(std::string_view)> check = {}, std::string expected = "a list of texts");
  /// Options of a part, under their own key; `inner` must outlive this table (make it a static).
  template <class Part>
  options_of& section(std::string key, Part Owner::*member, const options_of<Part>& inner, std::string reason);
  /// A word of the plan that does nothing yet: using it is an error with this sentence.
  options_of& planned(std::string key, std::string sentence);
  /// The same for one word of the choice that stands last.
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

#include <millrace/base/option_builder.hpp>
