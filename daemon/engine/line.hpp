#pragma once

#include <cstdint>
#include <variant>

#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "engine/paged.hpp"

namespace millrace::engine {

/// A put, or a whole finish, that waits until a full queue has room.
struct waiting_one {
  slot session{no_slot};
  slot queue{no_slot};  ///< in whose line it stands
  slot job{no_slot};    ///< a finish: the job it ends
  std::variant<put_request, finish_request> what;
  instant since{};  ///< when it began to wait
  waiting_one* previous{nullptr};
  waiting_one* next{nullptr};
};

/// Who waits for room in one queue, first come first served: nobody overtakes, however small. Owns who stands in it.
class line {
 public:
  line() = default;
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  ~line() {
    while (first_ != nullptr) delete leave(*first_);
  }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] waiting_one& first() const noexcept { return *first_; }

  /// Takes ownership.
  void join(waiting_one* it) noexcept {
    it->previous = last_;
    it->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = it;
    last_ = it;
    ++count_;
  }
  /// Gives ownership back.
  waiting_one* leave(waiting_one& it) noexcept {
    (it.previous == nullptr ? first_ : it.previous->next) = it.next;
    (it.next == nullptr ? last_ : it.next->previous) = it.previous;
    --count_;
    return &it;
  }

 private:
  waiting_one* first_{nullptr};
  waiting_one* last_{nullptr};
  std::uint32_t count_{0};
};

}  // namespace millrace::engine
