#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace {

/// How a value is written in a settings file.
enum class option_kind { flag, count, size, time, rate, real, text, choice, text_list, section };

/// One setting of a component as data: for the reader, the printer, the schema and the commented example.
/// `owner` points to an object whose type only the `option_table` knows.
struct option {
  std::string key;  ///< as written in YAML, snake_case
  option_kind kind{option_kind::text};
  std::string reason;    ///< one sentence for users: the purpose, and the unit where it is not obvious
  std::string expected;  ///< a valid value in words, for error messages: `a duration from 1ms to 1h`
  std::string example;   ///< a value for the commented example when there is no default; may be empty
  bool required{false};
  std::string planned;               ///< not empty: the key is reserved, and setting it is an error with this text
  std::vector<std::string> choices;  ///< of a `choice`
  /// Of a `choice`: reserved words, each with the text of the error.
  std::vector<std::pair<std::string, std::string>> planned_choices;
  /// Bounds for the schema, in the unit of the kind (ns, bytes, count, per second); nullopt for no bound.
  std::optional<double> at_least;
  std::optional<double> at_most;
  const class option_table* section{nullptr};  ///< of a `section`: the nested table

  /// Scalar kinds: parses one scalar. The text of an error says what is wrong, without the key.
  std::function<result<>(void* owner, std::string_view text)> read;
  /// `text_list`: reads all items.
  std::function<result<>(void* owner, const std::vector<std::string>& items)> read_list;
  /// `section`: the nested owner. `open_section` makes an optional one, and `view_section` returns null where there is
  /// none.
  std::function<void*(void* owner)> open_section;
  std::function<const void*(const void* owner)> view_section;
  /// The present value as text that `read` accepts; nullopt for an optional without a value.
  std::function<std::optional<std::string>(const void* owner)> print;
  std::function<std::vector<std::string>(const void* owner)> print_list;
};

/// All options of one component, in the order of the documents. Each component owns one, as a constant that any thread
/// may read.
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

}  // namespace millrace
