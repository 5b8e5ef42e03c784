#pragma once

#include <string>
#include <string_view>

/// Pieces of SVG drawings. `look` holds further attributes as they are written.
namespace millrace::tools::svg {

/// With one digit behind the point.
[[nodiscard]] std::string number(double value);
/// As text between tags or within double quotes, valid in XML 1.0 whatever `text` holds: characters that XML forbids
/// are left out, and each byte that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string escaped(std::string_view text);
[[nodiscard]] std::string text(double x, double y, std::string_view look, std::string_view words);
[[nodiscard]] std::string line(double x1, double y1, double x2, double y2, std::string_view look);
[[nodiscard]] std::string box(double x, double y, double width, double height, std::string_view look);

}  // namespace millrace::tools::svg
