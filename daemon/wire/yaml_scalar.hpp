#pragma once

#include <string>
#include <string_view>

/// Text as a scalar of YAML, for values of block mappings and items of block lists on one line.
namespace millrace::wire {

/// Whether every parser of YAML 1.1 or 1.2 reads the plain scalar as this string: it has only printable ASCII, no
/// indicator where one has a meaning, and does not look like a null, boolean, number, date, merge key or symbol. The
/// types are those of both specifications and of Ruby's Psych, each in its widest form (`y`, `off`, `1_000`, `0o7`,
/// `1e3`, `.5`, `1.2.3`, `12:30`, `2001-01-01`).
[[nodiscard]] bool is_plain_yaml_string(std::string_view text) noexcept;

/// Appends the text, plain where a parser reads that as the same string, otherwise in double quotes. Bytes that are not
/// UTF-8 become U+FFFD.
void append_yaml_string(std::string& to, std::string_view text);

}  // namespace millrace::wire
