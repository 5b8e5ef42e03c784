#include "settings/complaint.hpp"

namespace millrace::settings {

std::string complaint::text() const {
  std::string out = file;
  if (line > 0) out += ":" + std::to_string(line) + ":" + std::to_string(column);
  out += ": ";
  if (how == severity::warning) out += "warning: ";
  if (!key.empty()) out += key + ": ";
  out += wrong;
  if (!expected.empty()) out += " (expected " + expected + ")";
  return out;
}

}  // namespace millrace::settings
