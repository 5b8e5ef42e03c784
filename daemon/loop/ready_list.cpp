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
      if (!list.empty()) list.post();
    }
  } finally{*this};
  for (std::size_t resumed = 0; resumed < resumptions_in_a_row && first_ != nullptr; ++resumed) {
    ready_entry* const entry = first_;
    first_ = entry->next_;
    entry->resume();
  }
}

}  // namespace millrace::loop
