#include "handlers/path_template.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "handlers/quote.hpp"

namespace millrace::handlers {

namespace {

/// The end of the name that begins at `begin`: the next `/` outside of placeholders, or the end of the text.
std::size_t end_of_name(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '/') return at;
    const bool is_escaped = at > begin && text[at - 1] == '$';
    if (text.substr(at, 2) == "${" && !is_escaped) at = std::min(text.find('}', at), text.size() - 1);
  }
  return text.size();
}

bool is_name(std::string_view value) {
  return !value.empty() && value != "." && value != ".." && value.size() <= path_template::name_bytes_max &&
         value.find_first_of(std::string_view{"/\0", 2}) == std::string_view::npos;
}

}  // namespace

result<path_template> path_template::parse(std::string_view text) {
  // For the positions in its errors.
  if (const auto whole = job_template::parse(text); !whole) return whole.error();
  if (text.empty()) return invalid("is empty");
  if (text.ends_with('/')) return invalid("is the path of a directory");
  if (text.find('\0') != std::string_view::npos) return invalid("contains a zero byte");
  path_template made;
  made.source_ = text;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = end_of_name(text, begin);
    auto name = job_template::parse(text.substr(begin, end - begin));
    if (!name) return name.error();
    made.names_.push_back(std::move(*name));
    begin = end + 1;
  }
  return made;
}

result<std::string> path_template::fill(const job& work) const {
  std::string path;
  for (const auto& name : names_) {
    if (&name != &names_.front()) path += '/';
    auto value = name.fill(work);
    if (!value) return value;
    // A constant is the choice of the settings: `..`, or a directory from the environment.
    if (!name.is_constant() && !is_name(*value)) return rejected(quote(*value) + " cannot be the name of a file");
    path += *value;
  }
  return path;
}

bool path_template::is_absolute() const {
  if (!names_.front().is_constant()) return false;
  const auto first = names_.front().fill({}).value();
  return first.starts_with('/') || (first.empty() && names_.size() > 1);
}

std::string path_template::text_under(std::string_view folder) const {
  std::string text;
  for (std::size_t at = 0; at < folder.size(); ++at) {
    if (folder.substr(at, 2) == "${") text += '$';
    text += folder[at];
  }
  if (!text.empty() && !text.ends_with('/')) text += '/';
  return text + source_;
}

}  // namespace millrace::handlers
