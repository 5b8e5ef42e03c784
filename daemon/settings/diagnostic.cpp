#include "settings/diagnostic.hpp"

namespace millrace::settings {

std::string diagnostic::text() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  out += ": ";
  if (level == severity::warning) out += "warning: ";
  if (!key.empty()) out += key + ": ";
  out += problem;
  if (!expected.empty()) out += " (expected " + expected + ")";
  return out;
}

}  // namespace millrace::settings
