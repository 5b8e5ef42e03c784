#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace millrace {

/// Values in pages that never move: growing adds a page and copies nothing. So growth is never slow, and the address of
/// a value stays the same until its page is freed by `shrink` or the array ends. `Page` is a power of two.
template <class T, std::size_t Page>
class paged {
  static_assert((Page & (Page - 1)) == 0);

 public:
  [[nodiscard]] T& operator[](std::size_t at) noexcept { return pages_[at / Page][at % Page]; }
  [[nodiscard]] T const& operator[](std::size_t at) const noexcept { return pages_[at / Page][at % Page]; }

  /// Adds a page of values made by `T{}`.
  void grow() { pages_.push_back(std::make_unique<T[]>(Page)); }

  /// Returns the memory of pages beyond `size` values, but for one page that is kept for growing again.
  void shrink(std::size_t size) noexcept {
    while (capacity() >= size + 2 * Page) pages_.pop_back();
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return pages_.size() * Page; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return pages_.size() * Page * sizeof(T) + pages_.capacity() * sizeof(void*);
  }

 private:
  std::vector<std::unique_ptr<T[]>> pages_;
};

}  // namespace millrace
