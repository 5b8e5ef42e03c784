#include "settings/document.hpp"

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <millrace/base/quantity.hpp>

#include "settings/encoding.hpp"

namespace millrace::settings {

namespace {

position position_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

/// Thrown to end the parsing.
struct parse_error {
  position start;
  std::string problem;
  std::string expected;
};

/// Line `number`, from 1, without its line end. Empty beyond the last line.
std::string_view line_of(std::string_view text, int number) {
  for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

bool has_tab_in_indentation(std::string_view line) {
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

/// The position of an unquoted address like `[::1]:9464`, or npos.
std::size_t find_unquoted_address(std::string_view line) {
  for (auto at = line.find('['); at != std::string_view::npos; at = line.find('[', at + 1)) {
    const auto end = line.find_first_not_of("0123456789abcdefABCDEF:.", at + 1);
    const bool is_address = end != std::string_view::npos && line.substr(end).starts_with("]:") &&
                            line.substr(at + 1, end - at - 1).find(':') != std::string_view::npos;
    const bool is_quoted = at > 0 && (line[at - 1] == '\'' || line[at - 1] == '"');
    if (is_address && !is_quoted) return at;
  }
  return std::string_view::npos;
}

/// Replaces a message of the parser at `start`, which uses terms of the parser, by the usual cause of it.
parse_error explain(std::string_view text, position start, const std::string& message) {
  for (int number = start.line; number >= 1 && number >= start.line - 1; --number) {
    const auto line = line_of(text, number);
    if (has_tab_in_indentation(line)) return {{number, 1}, "this line is indented with a tab", "spaces"};
    if (const auto column = find_unquoted_address(line); column != std::string_view::npos) {
      return {{number, static_cast<int>(column) + 1},
              "an address in brackets is read as a list",
              "an address in quotes, like '[::1]:9464'"};
    }
  }
  if (message.starts_with("end of map not found"))
    return {start, "the indentation of this line matches no map above", "all keys of a map in the same column"};
  return {start, "this is not YAML: " + message, {}};
}

/// Builds nodes from the events of the parser, with a stack of open maps and lists.
class builder : public YAML::EventHandler {
 public:
  builder(std::string_view text, diagnostic_list& diagnostics) : text_{text}, diagnostics_{diagnostics} {}

  [[nodiscard]] node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ < 2) return;
    const position start = position_of(mark);
    // Without dashes, a smaller indentation ended the first document.
    if (line_of(text_, start.line).starts_with("---"))
      throw parse_error{start, "a second document begins here", "one document"};
    throw parse_error{start, "this line is indented less than the first one", "all keys of a map in the same column"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(make(node::shape::null, mark, {}, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.error(position_of(mark), path(), "aliases are not supported", "the value itself");
    node value;
    value.form = node::shape::invalid;
    value.start = position_of(mark);
    put(std::move(value));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    node scalar = make(node::shape::scalar, mark, tag, anchor);
    scalar.text = value;
    put(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(make(node::shape::list, mark, tag, anchor));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(make(node::shape::map, mark, tag, anchor));
  }
  void OnMapEnd() override { close(); }

 private:
  /// A map or list that has not ended.
  struct container {
    node value;
    bool key_seen{false};  ///< in a map: the next node is the value of `key`
    bool skipping{false};  ///< in a map: that value is discarded, since its key is invalid
    std::string key;
    position key_start;
    std::unordered_map<std::string, position> known;  ///< the keys of the map so far
  };

  node make(node::shape form, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const position start = position_of(mark);
    if (++nodes_ > nodes_max)
      throw parse_error{start, "more than " + std::to_string(nodes_max) + " values in one file", {}};
    if (anchor != 0) diagnostics_.error(start, path(), "anchors are not supported", "the value itself");
    if (!tag.empty() && tag != "?" && tag != "!")
      diagnostics_.error(start, path(), "tags are not supported", "the value without its tag");
    node value;
    value.form = form;
    value.start = start;
    value.quoted = tag == "!";
    return value;
  }

  void open(node value) {
    if (open_.size() >= depth_max)
      throw parse_error{value.start, "more than " + std::to_string(depth_max) + " nested maps and lists", {}};
    open_.push_back({.value = std::move(value), .key = {}, .key_start = {}, .known = {}});
  }

  void close() {
    node value = std::move(open_.back().value);
    open_.pop_back();
    put(std::move(value));
  }

  void put(node value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    container& outer = open_.back();
    if (outer.value.form == node::shape::list)
      outer.value.values.push_back(std::move(value));
    else if (outer.key_seen)
      put_value(outer, std::move(value));
    else
      put_key(outer, std::move(value));
  }

  void put_key(container& outer, node key) {
    outer.key_seen = true;
    outer.skipping = true;
    outer.key_start = key.start;
    outer.key.clear();
    if (key.form != node::shape::scalar) {
      diagnostics_.error(key.start, outer_path(), "a key is " + key.described(), "a word");
    } else if (key.text == "<<" && !key.quoted) {
      diagnostics_.error(key.start, outer_path(), "merge keys are not supported", "the keys themselves");
    } else if (const auto [first, is_new] = outer.known.try_emplace(key.text, key.start); !is_new) {
      diagnostics_.error(key.start, path_of(outer_path(), key.text),
                         "duplicate key; the first one is in line " + std::to_string(first->second.line));
    } else {
      outer.skipping = false;
    }
    outer.key = std::move(key.text);
  }

  void put_value(container& outer, node value) {
    outer.key_seen = false;
    if (outer.skipping) return;
    outer.value.keys.push_back(std::move(outer.key));
    outer.value.key_positions.push_back(outer.key_start);
    outer.value.values.push_back(std::move(value));
  }

  /// The path of keys to the current value.
  [[nodiscard]] std::string path() const { return path_through(open_.size()); }
  /// The path of keys to the innermost open map or list.
  [[nodiscard]] std::string outer_path() const { return path_through(open_.size() - 1); }
  [[nodiscard]] std::string path_through(std::size_t depth) const {
    std::string out;
    for (std::size_t n = 0; n < depth; ++n) {
      if (open_[n].key_seen) out = path_of(out, open_[n].key);
    }
    return out;
  }

  std::string_view text_;
  diagnostic_list& diagnostics_;
  node root_;
  std::vector<container> open_;
  std::size_t nodes_{0};
  int documents_{0};
};

/// A stream buffer over a text, which it does not copy.
class view_buffer : public std::streambuf {
 public:
  explicit view_buffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::optional<node> parse_document(std::string_view text, diagnostic_list& diagnostics) {
  if (const auto bad = find_bad_byte(text)) {
    diagnostics.error(bad->start, {}, bad->problem, "a text file in UTF-8");
    return std::nullopt;
  }
  view_buffer buffer{text};
  std::istream stream{&buffer};
  builder events{text, diagnostics};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(events)) {
    }
    return events.take();
  } catch (const parse_error& failure) {
    diagnostics.error(failure.start, {}, failure.problem, failure.expected);
  } catch (const YAML::Exception& failure) {
    const position start = failure.mark.is_null() ? position{} : position_of(failure.mark);
    // Versions of the parser differ in the rest of this message.
    if (failure.msg.starts_with("the referenced anchor is not defined")) {
      diagnostics.error(start, {}, "aliases are not supported", "the value itself");
      return std::nullopt;
    }
    const parse_error cause = explain(text, start, failure.msg);
    diagnostics.error(cause.start, {}, cause.problem, cause.expected);
  }
  return std::nullopt;
}

const node* node::find(std::string_view key) const noexcept {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &values[static_cast<std::size_t>(found - keys.begin())];
}

std::string node::described() const {
  switch (form) {
    case shape::null:
      return "empty";
    case shape::list:
      return "a list";
    case shape::map:
      return "a map";
    case shape::invalid:
      return "invalid";
    case shape::scalar:
      break;
  }
  constexpr std::size_t shown_bytes_max = 40;
  return "`" + shortened(text, shown_bytes_max) + "`";
}

position position_of(const node& root, std::span<const std::string> keys) {
  const node* current = &root;
  position start = root.start;
  for (const std::string& key : keys) {
    if (current->form == node::shape::list) {
      const auto item = parse_count(key);
      if (!item || *item < 1 || *item > current->values.size()) break;
      current = &current->values[*item - 1];
      start = current->start;
      continue;
    }
    const node* next = current->find(key);
    if (next == nullptr) break;
    start = current->key_positions[static_cast<std::size_t>(next - current->values.data())];
    current = next;
    if (current->form == node::shape::scalar) start = current->start;
  }
  return start;
}

}  // namespace millrace::settings
