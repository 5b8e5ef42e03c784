#pragma once

#include <cstddef>

namespace millrace {

template <class Element>
class linked_list;

/// The base class of an element of a `linked_list`.
template <class Element>
class list_link {
  friend class linked_list<Element>;
  Element* previous_{nullptr};
  Element* next_{nullptr};
};

/// A doubly linked list through its elements: it owns none and allocates nothing, and an element leaves in constant
/// time. An element is in one list at a time and must not move meanwhile. `Element` may be incomplete where the list is
/// a member. One thread.
///
/// Not boost::intrusive::list, whose elements are a circle through its head: adding and removing was slower with it.
template <class Element>
class linked_list {
 public:
  linked_list() noexcept = default;
  linked_list(const linked_list&) = delete;
  linked_list& operator=(const linked_list&) = delete;

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// nullptr when it is empty.
  [[nodiscard]] Element* first() const noexcept { return first_; }
  /// nullptr after the last one.
  [[nodiscard]] static Element* next(const Element& element) noexcept { return link_of(element).next_; }

  /// Requires: `element` is in no list.
  void push_back(Element& element) noexcept { insert(element, last_, nullptr); }
  void push_front(Element& element) noexcept { insert(element, nullptr, first_); }
  /// Requires: `element` is in this list.
  void remove(Element& element) noexcept {
    const list_link<Element>& link = element;
    (link.previous_ == nullptr ? first_ : link_of(*link.previous_).next_) = link.next_;
    (link.next_ == nullptr ? last_ : link_of(*link.next_).previous_) = link.previous_;
    --size_;
  }

 private:
  static list_link<Element>& link_of(Element& element) noexcept { return element; }
  static const list_link<Element>& link_of(const Element& element) noexcept { return element; }

  void insert(Element& element, Element* previous, Element* next) noexcept {
    link_of(element).previous_ = previous;
    link_of(element).next_ = next;
    (previous == nullptr ? first_ : link_of(*previous).next_) = &element;
    (next == nullptr ? last_ : link_of(*next).previous_) = &element;
    ++size_;
  }

  Element* first_{nullptr};
  Element* last_{nullptr};
  std::size_t size_{0};
};

}  // namespace millrace
