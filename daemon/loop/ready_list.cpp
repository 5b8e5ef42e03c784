#include "loop/ready_list.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace millrace::loop {

void ready_list::push(ready_entry& entry) {
  entry.next_ = nullptr;
  if (first_ == nullptr) {
    first_ = &entry;
  } else {
    last_->next_ = &entry;
  }
  last_ = &entry;
  if (!posted_) post();
}

void ready_list::post() {
  posted_ = true;
  boost::asio::post(context_, [this] { drain(); });
}

void ready_list::drain() {
  // Also when a resumption throws: what is behind it must not be forgotten.
  struct finish {
    ready_list& list;
    ~finish() {
      list.posted_ = false;
      if (list.first_ != nullptr) list.post();
    }
  } finally{*this};
  for (std::size_t in_a_row = 0; in_a_row < resumptions_in_a_row && first_ != nullptr; ++in_a_row) {
    ready_entry* const entry = first_;
    first_ = entry->next_;
    ++resumed_;
    entry->resume();
  }
}

}  // namespace millrace::loop
