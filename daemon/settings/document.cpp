#include "settings/document.hpp"

#include <algorithm>
#include <istream>
#include <streambuf>
#include <unordered_map>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "settings/encoding.hpp"

namespace millrace::settings {

namespace {

position place(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

/// Ends the parsing at once.
struct fault {
  position at;
  std::string wrong;
  std::string expected;
};

/// The line of that number, from 1, without its end; empty beyond the last.
std::string_view line_of(std::string_view text, int number) {
  for (; number > 1 && !text.empty(); --number) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, text.find('\n'));
}

bool has_tab_in_indentation(std::string_view line) {
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

/// Where an address like `[::1]:9464` begins that is not quoted; npos when there is none.
std::size_t bare_address(std::string_view line) {
  for (auto at = line.find('['); at != std::string_view::npos; at = line.find('[', at + 1)) {
    const auto end = line.find_first_not_of("0123456789abcdefABCDEF:.", at + 1);
    const bool is_address = end != std::string_view::npos && line.substr(end).starts_with("]:") &&
                            line.substr(at + 1, end - at - 1).find(':') != std::string_view::npos;
    const bool is_quoted = at > 0 && (line[at - 1] == '\'' || line[at - 1] == '"');
    if (is_address && !is_quoted) return at;
  }
  return std::string_view::npos;
}

/// What people usually mean by what the parser calls a fault at `at`: its sentences name the parser's own terms.
fault explained(std::string_view text, position at, const std::string& message) {
  for (int number = at.line; number >= 1 && number >= at.line - 1; --number) {
    const auto line = line_of(text, number);
    if (has_tab_in_indentation(line)) return {{number, 1}, "a tab indents this line", "spaces"};
    if (const auto column = bare_address(line); column != std::string_view::npos) {
      return {{number, static_cast<int>(column) + 1},
              "an address in brackets is read as a list",
              "it between quotes, like '[::1]:9464'"};
    }
  }
  if (message.starts_with("end of map not found"))
    return {at, "this line fits no map above it", "all keys of a map in the same column"};
  return {at, "this is not YAML: " + message, {}};
}

/// Builds nodes from what the parser comes by, from a stack of open maps and lists.
class builder : public YAML::EventHandler {
 public:
  builder(std::string_view text, complaint_list& complaints) : text_{text}, complaints_{complaints} {}

  [[nodiscard]] node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ < 2) return;
    const position at = place(mark);
    // Without dashes it was the indentation that ended the first one.
    if (line_of(text_, at.line).starts_with("---"))
      throw fault{at, "a second document begins here: only one is read", {}};
    throw fault{at, "this line is indented less than the first one", "all keys of a map in the same column"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    put(make(node::shape::nothing, mark, {}, anchor));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complaints_.error(place(mark), path(), "aliases are not used in settings", "the value itself");
    node made;
    made.form = node::shape::refused;
    made.at = place(mark);
    put(std::move(made));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    node made = make(node::shape::scalar, mark, tag, anchor);
    made.text = value;
    put(std::move(made));
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
  /// A map or list whose end has not come yet.
  struct part {
    node made;
    bool key_seen{false};  ///< in a map: the next node is the value of `key`
    bool skipping{false};  ///< in a map: that value has no place of its own
    std::string key;
    position key_at;
    std::unordered_map<std::string, position> known;
  };

  node make(node::shape form, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    const position at = place(mark);
    if (++nodes_ > nodes_max) throw fault{at, "more than " + std::to_string(nodes_max) + " values in one file", {}};
    if (anchor != 0) complaints_.error(at, path(), "anchors are not used in settings", "the value itself");
    if (!tag.empty() && tag != "?" && tag != "!")
      complaints_.error(at, path(), "tags are not used in settings", "the value without its tag");
    node made;
    made.form = form;
    made.at = at;
    made.quoted = tag == "!";
    return made;
  }

  void open(node made) {
    if (open_.size() >= depth_max)
      throw fault{made.at, "more than " + std::to_string(depth_max) + " maps and lists inside each other", {}};
    open_.push_back({.made = std::move(made), .key = {}, .key_at = {}, .known = {}});
  }

  void close() {
    node made = std::move(open_.back().made);
    open_.pop_back();
    put(std::move(made));
  }

  void put(node made) {
    if (open_.empty()) {
      root_ = std::move(made);
      return;
    }
    part& outer = open_.back();
    if (outer.made.form == node::shape::list)
      outer.made.values.push_back(std::move(made));
    else if (outer.key_seen)
      put_value(outer, std::move(made));
    else
      put_key(outer, std::move(made));
  }

  void put_key(part& outer, node key) {
    outer.key_seen = true;
    outer.skipping = true;
    outer.key_at = key.at;
    outer.key.clear();
    if (key.form != node::shape::scalar) {
      complaints_.error(key.at, outer_path(), "a key is " + key.described(), "a word");
    } else if (key.text == "<<" && !key.quoted) {
      complaints_.error(key.at, outer_path(), "merge keys are not used in settings", "the keys themselves");
    } else if (const auto [first, is_new] = outer.known.try_emplace(key.text, key.at); !is_new) {
      const position& at = first->second;
      complaints_.error(key.at, path_of(outer_path(), key.text),
                        "the key is there twice, first in line " + std::to_string(at.line));
    } else {
      outer.skipping = false;
    }
    outer.key = std::move(key.text);
  }

  void put_value(part& outer, node value) {
    outer.key_seen = false;
    if (outer.skipping) return;
    outer.made.keys.push_back(std::move(outer.key));
    outer.made.key_places.push_back(outer.key_at);
    outer.made.values.push_back(std::move(value));
  }

  /// The keys that lead to where the parser stands; to the innermost open map or list.
  [[nodiscard]] std::string path() const { return path_through(open_.size()); }
  [[nodiscard]] std::string outer_path() const { return path_through(open_.size() - 1); }
  [[nodiscard]] std::string path_through(std::size_t parts) const {
    std::string out;
    for (std::size_t n = 0; n < parts; ++n) {
      if (open_[n].key_seen) out = path_of(out, open_[n].key);
    }
    return out;
  }

  std::string_view text_;
  complaint_list& complaints_;
  node root_;
  std::vector<part> open_;
  std::size_t nodes_{0};
  int documents_{0};
};

/// Reads from memory that it does not copy.
class view_buffer : public std::streambuf {
 public:
  explicit view_buffer(std::string_view text) {
    char* const begin = const_cast<char*>(text.data());
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

std::optional<node> parse_document(std::string_view text, complaint_list& complaints) {
  if (const auto bad = find_bad_byte(text)) {
    complaints.error(bad->at, {}, bad->wrong, "a text file in UTF-8");
    return std::nullopt;
  }
  view_buffer buffer{text};
  std::istream stream{&buffer};
  builder made{text, complaints};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(made)) {
    }
    return made.take();
  } catch (const fault& found) {
    complaints.error(found.at, {}, found.wrong, found.expected);
  } catch (const YAML::Exception& failure) {
    const position at = failure.mark.is_null() ? position{} : place(failure.mark);
    // Versions of the parser differ in the rest of this sentence.
    if (failure.msg.starts_with("the referenced anchor is not defined")) {
      complaints.error(at, {}, "aliases are not used in settings", "the value itself");
      return std::nullopt;
    }
    const fault found = explained(text, at, failure.msg);
    complaints.error(found.at, {}, found.wrong, found.expected);
  }
  return std::nullopt;
}

const node* node::find(std::string_view key) const noexcept {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? nullptr : &values[static_cast<std::size_t>(found - keys.begin())];
}

std::string node::described() const {
  switch (form) {
    case shape::nothing:
      return "nothing";
    case shape::list:
      return "a list";
    case shape::map:
      return "a map";
    case shape::refused:
      return "something else";
    case shape::scalar:
      break;
  }
  constexpr std::size_t shown_bytes_max = 40;
  return "`" + shortened(text, shown_bytes_max) + "`";
}

position place_of(const node& root, std::span<const std::string> keys) {
  const node* here = &root;
  position at = root.at;
  for (const std::string& key : keys) {
    const node* next = here->find(key);
    if (next == nullptr) break;
    at = here->key_places[static_cast<std::size_t>(next - here->values.data())];
    here = next;
    if (here->form == node::shape::scalar) at = here->at;
  }
  return at;
}

}  // namespace millrace::settings
