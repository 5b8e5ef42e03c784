#include "sources/list.hpp"

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
  return body{items_[at_++]};
}

loop::awaitable<> list::more() { co_return; }

}  // namespace millrace::sources
