#include "sources/list.hpp"

#include <string_view>

namespace millrace::sources {

const options_of<list_options>& list_option_table() {
  static const auto table = options_of<list_options>{}
                                .text_list("items", &list_options::items, "The bodies, in this order.")
                                .required()
                                .example("[9637529763296797, 427920331, 157]");
  return table;
}

result<std::unique_ptr<source>> list::make(const list_options& options, const source_context&) {
  return std::unique_ptr<source>{std::make_unique<list>(options.items)};
}

next_body list::next(instant) {
  if (returned_ == items_.size()) return no_more{};
  return body{advance()};
}

const std::string& list::advance() {
  const std::string& item = items_[returned_++];
  if (digest_) {
    // Include the terminating zero: "ab", "c" differs from "a", "bc".
    digest_->add(std::string_view{item.c_str(), item.size() + 1});
  }
  return item;
}

loop::awaitable<> list::more() { co_return; }

bool list::track_position() {
  digest_.emplace();
  return true;
}

loop::awaitable<result<resumption>> list::resume(position stored) {
  while (returned_ < items_.size() && returned_ < stored.place) advance();
  if (returned_ < stored.place)
    co_return invalid("there are " + std::to_string(items_.size()) + " items, but " + std::to_string(stored.place) +
                      " were put before the restart");
  if (digest_->value() != stored.checksum)
    co_return invalid("the first " + std::to_string(stored.place) +
                      " items, which were put before the restart, were changed");
  co_return resumption::behind_position;
}

}  // namespace millrace::sources
