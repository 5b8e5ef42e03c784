#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "base/paged.hpp"

namespace millrace {

/// A heap of four children a node whose elements know their index, so that one can be changed or removed without a
/// search: O(log n). Looking at the first costs nothing. Growing moves no element to another page.
///
/// `Element` is small and copied; it has `bool before(const Element&) const noexcept`, a strict order, and
/// `void moved_to(std::size_t index) const noexcept`, which is called for each new index. One thread.
template <class Element, std::size_t Page = 1024>
class indexed_heap {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Element& operator[](std::size_t index) const noexcept { return elements_[index]; }
  /// Requires: not empty.
  [[nodiscard]] const Element& first() const noexcept { return elements_[0]; }

  void push(const Element& added) {
    if (size_ == elements_.capacity()) elements_.grow();
    sift_up(size_++, added);
  }

  /// Puts another value, or the same with a changed order, in the place of the element at `index`.
  void replace(std::size_t index, const Element& changed) noexcept {
    assert(index < size_);
    if (index > 0 && changed.before(elements_[(index - 1) / children])) {
      sift_up(index, changed);
    } else {
      sift_down(index, changed);
    }
  }

  void remove(std::size_t index) noexcept {
    assert(index < size_);
    const Element last = elements_[--size_];
    elements_.shrink(size_);
    // The last one may belong above or below the gap, because it may come from another branch.
    if (index != size_) replace(index, last);
  }

 private:
  static constexpr std::size_t children = 4;

  void sift_up(std::size_t at, Element moving) noexcept {
    while (at > 0) {
      const std::size_t parent = (at - 1) / children;
      if (!moving.before(elements_[parent])) break;
      put(at, elements_[parent]);
      at = parent;
    }
    put(at, moving);
  }

  void sift_down(std::size_t at, Element moving) noexcept {
    for (;;) {
      const std::size_t begin = at * children + 1;
      const std::size_t end = std::min(begin + children, size_);
      if (begin >= end) break;
      std::size_t least = begin;
      for (std::size_t child = begin + 1; child < end; ++child) {
        if (elements_[child].before(elements_[least])) least = child;
      }
      if (!elements_[least].before(moving)) break;
      put(at, elements_[least]);
      at = least;
    }
    put(at, moving);
  }

  void put(std::size_t at, const Element& element) noexcept {
    elements_[at] = element;
    element.moved_to(at);
  }

  paged<Element, Page> elements_;
  std::size_t size_{0};
};

}  // namespace millrace
