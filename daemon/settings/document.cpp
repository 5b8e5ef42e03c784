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

/// Ends the parsing at once: a limit was reached.
struct beyond_limit {
  position at;
  std::string wrong;
};

/// Builds nodes from what the parser comes by, from a stack of open maps and lists.
class builder : public YAML::EventHandler {
 public:
  explicit builder(complaint_list& complaints) : complaints_{complaints} {}

  [[nodiscard]] node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) throw beyond_limit{place(mark), "a second document begins here: only one is read"};
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
    if (++nodes_ > nodes_max) throw beyond_limit{at, "more than " + std::to_string(nodes_max) + " values in one file"};
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
      throw beyond_limit{made.at, "more than " + std::to_string(depth_max) + " maps and lists inside each other"};
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
  builder made{complaints};
  try {
    YAML::Parser parser{stream};
    while (parser.HandleNextDocument(made)) {
    }
    return made.take();
  } catch (const beyond_limit& limit) {
    complaints.error(limit.at, {}, limit.wrong);
  } catch (const YAML::Exception& fault) {
    const position at = fault.mark.is_null() ? position{} : place(fault.mark);
    // Versions of the parser differ in the rest of this sentence.
    if (fault.msg.starts_with("the referenced anchor is not defined"))
      complaints.error(at, {}, "aliases are not used in settings", "the value itself");
    else
      complaints.error(at, {}, "this is not YAML: " + fault.msg);
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
