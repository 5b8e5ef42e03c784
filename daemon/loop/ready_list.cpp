#include "loop/ready_list.hpp"

#include <boost/asio/post.hpp>

namespace millrace::loop {

void ready_list::fifo::push(ready_entry& entry) noexcept {
  entry.next_ = nullptr;
  (first == nullptr ? first : last->next_) = &entry;
  last = &entry;
}

void ready_list::push(ready_entry& entry) {
  ready_.push(entry);
  if (!posted_) post();
}

void ready_list::push_behind(ready_entry& entry) { behind_.push(entry); }

void ready_list::begin_turn() {
  if (behind_.first == nullptr) return;
  (ready_.first == nullptr ? ready_.first : ready_.last->next_) = behind_.first;
  ready_.last = behind_.last;
  behind_ = {};
  if (!posted_) post();
}

void ready_list::post() {
  posted_ = true;
  boost::asio::post(context_, [this] { drain(); });
}

void ready_list::drain() {
  // Runs also when a resumption throws, so that the entries after it are resumed later.
  struct finish {
    ready_list& list;
    ~finish() {
      list.posted_ = false;
      if (list.ready_.first != nullptr) list.post();
    }
  } finally{*this};
  for (std::size_t in_a_row = 0; in_a_row < resumptions_in_a_row && ready_.first != nullptr; ++in_a_row) {
    ready_entry* const entry = ready_.first;
    ready_.first = entry->next_;
    ++resumed_;
    entry->resume();
  }
}

}  // namespace millrace::loop
