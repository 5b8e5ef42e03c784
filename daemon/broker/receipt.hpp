#pragma once

#include <algorithm>
#include <utility>

#include "store/store.hpp"

namespace millrace::broker {

/// Says when an answer may leave. A later batch is durable only after every earlier one.
struct receipt {
  /// The answer may leave when this batch is durable; 0: at once.
  store::batch_id batch{0};
  /// The batch that holds the command's changes, whether the answer waits for it or not; 0: it changed nothing durable.
  /// See backlog_share.
  store::batch_id written_with{0};

  friend bool operator==(const receipt&, const receipt&) = default;
};

/// For an answer that is the sum of several commands.
[[nodiscard]] constexpr receipt later_of(const receipt& one, const receipt& other) noexcept {
  return {std::max(one.batch, other.batch), std::max(one.written_with, other.written_with)};
}

/// The answer to a command of the broker, with the receipt that says when it may leave. Only a `committed` (the result
/// of handing the command's changes to the store) or a `decision` makes one. There is no conversion to `Answer`: a
/// caller that ignores the receipt has to write `.answer`.
template <class Answer>
class [[nodiscard]] receipted {
 public:
  Answer answer;
  receipt durable_with;

 private:
  friend class committed;
  friend struct decision;

  receipted(Answer&& given, const receipt& batches) : answer{std::move(given)}, durable_with{batches} {}
};

/// The changes of one command were handed to the store, or there were none. Only commit_tracker makes one.
class [[nodiscard]] committed {
 public:
  /// For the answer of a command that may change something.
  template <class Answer>
  receipted<Answer> answer(Answer given) const {
    return {std::move(given), of_changes_};
  }
  /// For an answer that contains job ids and changes nothing that the store has. It waits only for the block of the
  /// ids, so that a crash cannot assign an id again that a client has seen.
  template <class Answer>
  receipted<Answer> answer_with_ids(Answer given) const {
    return {std::move(given), of_ids_};
  }
  [[nodiscard]] const receipt& of_changes() const noexcept { return of_changes_; }
  [[nodiscard]] const receipt& of_ids() const noexcept { return of_ids_; }

 private:
  friend class commit_tracker;

  committed() = default;
  committed(const receipt& of_changes, const receipt& of_ids) : of_changes_{of_changes}, of_ids_{of_ids} {}

  receipt of_changes_;
  receipt of_ids_;
};

}  // namespace millrace::broker
