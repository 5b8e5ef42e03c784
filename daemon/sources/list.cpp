#include "sources/list.hpp"

#include <string_view>

namespace millrace::sources {

const options_of<list_options>& list_option_table() {
  static const auto table = options_of<list_options>{}
                                .text_list("items", &list_options::items, "Its bodies, in this order.")
                                .required()
                                .example("[9637529763296797, 427920331, 157]");
  return table;
}

result<std::unique_ptr<source>> list::make(const list_options& options, const surroundings&) {
  return std::unique_ptr<source>{std::make_unique<list>(options.items)};
}

next_body list::next(instant) {
  if (at_ == items_.size()) return no_more{};
  return body{advance()};
}

const std::string& list::advance() {
  const std::string& item = items_[at_++];
  if (given_) {
    // With its end: "ab", "c" is not "a", "bc".
    given_->add(std::string_view{item.c_str(), item.size() + 1});
  }
  return item;
}

loop::awaitable<> list::more() { co_return; }

bool list::track_position() {
  given_.emplace();
  return true;
}

loop::awaitable<result<resumption>> list::resume(position from) {
  while (at_ < items_.size() && at_ < from.place) advance();
  if (at_ < from.place)
    co_return invalid("there are " + std::to_string(items_.size()) + " items, but " + std::to_string(from.place) +
                      " were put before the restart");
  if (given_->value() != from.checksum)
    co_return invalid("the first " + std::to_string(from.place) +
                      " items, which were put before the restart, were changed");
  co_return resumption::behind_position;
}

}  // namespace millrace::sources
