#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/slab.hpp"

namespace millrace::engine {

/// Records that come and go without an allocation each, in pages that go back to the system when they are empty. So the
/// memory of a backlog is returned after it. A record stays in place from `acquire` to `release`; after `release` its
/// page may be gone. Owned by a table of the engine; its thread.
///
/// `Free` is the member that links free records of a page. `acquire` does not reset a record: reset it before
/// `release`. One empty page is kept, so that a record that comes and goes allocates nothing. Constant time. Slot 0 is
/// a blank that is never handed out.
template <class T, slot T::*Free, std::size_t Page>
class record_pool {
  static_assert((Page & (Page - 1)) == 0 && Page >= 2);

 public:
  record_pool() {
    add_page();
    pages_[0].used = 1;
    pages_[0].fresh = 1;
    empty_ = 0;
  }

  [[nodiscard]] T& operator[](slot at) noexcept { return records_[at / Page][at % Page]; }
  [[nodiscard]] const T& operator[](slot at) const noexcept { return records_[at / Page][at % Page]; }

  [[nodiscard]] slot acquire() {
    if (open_ == none) add_page();
    const std::uint32_t number = open_;
    page& record_page = pages_[number];
    if (record_page.used == 0) --empty_;
    slot at = record_page.free;
    if (at != no_slot) {
      record_page.free = (*this)[at].*Free;
      (*this)[at].*Free = no_slot;
    } else {
      at = static_cast<slot>(number * Page + record_page.fresh++);
    }
    if (++record_page.used == Page) unlink(number);
    ++used_;
    return at;
  }

  void release(slot at) noexcept {
    const auto number = static_cast<std::uint32_t>(at / Page);
    page& record_page = pages_[number];
    assert(at != no_slot && record_page.used > 0);
    if (record_page.used == Page) link_first(number);
    (*this)[at].*Free = record_page.free;
    record_page.free = at;
    --used_;
    if (--record_page.used > 0) return;
    // The page that was emptied last is the spare one, for its records are in the cache.
    if (empty_ > 0) drop_spare();
    spare_ = number;
    empty_ = 1;
  }

  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return (records_.size() - dropped_.size()) * Page * sizeof(T) + records_.capacity() * sizeof(void*) +
           pages_.capacity() * sizeof(page);
  }

 private:
  static constexpr std::uint32_t none = UINT32_MAX;

  struct page {
    slot free{no_slot};                       ///< released records, linked by `Free`
    std::uint32_t used{0};                    ///< records in use
    std::uint32_t fresh{0};                   ///< records from here on were never in use
    std::uint32_t before{none}, after{none};  ///< among the open pages
  };

  void add_page() {
    std::uint32_t number = 0;
    if (dropped_.empty()) {
      number = static_cast<std::uint32_t>(pages_.size());
      // `release` must not allocate.
      dropped_.reserve(pages_.size() + 1);
      records_.push_back(std::make_unique<T[]>(Page));
      pages_.emplace_back();
    } else {
      number = dropped_.back();
      records_[number] = std::make_unique<T[]>(Page);
      dropped_.pop_back();
      pages_[number] = {};
    }
    link_first(number);
    spare_ = number;
    ++empty_;
  }

  void drop_spare() noexcept {
    unlink(spare_);
    records_[spare_].reset();
    dropped_.push_back(spare_);
  }

  void link_first(std::uint32_t number) noexcept {
    pages_[number].before = none;
    pages_[number].after = open_;
    if (open_ != none) pages_[open_].before = number;
    open_ = number;
  }

  void unlink(std::uint32_t number) noexcept {
    const page& record_page = pages_[number];
    (record_page.before == none ? open_ : pages_[record_page.before].after) = record_page.after;
    if (record_page.after != none) pages_[record_page.after].before = record_page.before;
  }

  std::vector<std::unique_ptr<T[]>> records_;
  std::vector<page> pages_;
  std::vector<std::uint32_t> dropped_;  ///< pages without memory
  std::uint32_t open_{none};            ///< the first page with a free record
  std::uint32_t spare_{none};           ///< the empty page, if `empty_` is 1
  std::uint32_t empty_{0};              ///< pages without a record in use: 0 or 1
  std::size_t used_{0};
};

}  // namespace millrace::engine
