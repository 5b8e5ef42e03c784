// What a connection writes, and when.
#include <algorithm>
#include <utility>

#include "beanstalk/connection.hpp"

namespace millrace::beanstalk {

void connection::write() {
  boost::system::error_code failure;
  if (!awaits_room_ && !replies_.empty() && open_) failure = replies_.write(socket_, may_leave());
  // The next connection of this turn begins where this one ends.
  shared_.unwritten.written(shared_.counts, shared_.loop.refresh_now());
  if (failure) return close();
  if (store_has_failed_it()) return close();
  const bool disk_is_behind = standing_ == standing::unread && share_.exceeded(shared_.broker);
  if ((!held_.empty() || disk_is_behind) && !std::exchange(awaits_commit_, true)) shared_.await_commit.push_back(this);
  if (!awaits_room_ && open_ && replies_.end() - replies_.bytes() < may_leave() && !replies_.empty()) wait_for_room();
  count_held();
  if (shared_.counts.draining && all_carried_out() && !dialect_.holds_jobs()) closing_ = true;
  if (closing_ && replies_.empty()) return close();
  if (standing_ == standing::unread && replies_taken()) go_on_soon();
}

void connection::hold_back(std::uint64_t from, const broker::receipt& receipt) {
  if (shared_.broker.is_durable(receipt)) return;
  if (!held_.empty() && held_.back().receipt.batch >= receipt.batch) return;
  held_.push_back({from, receipt});
}

/// The place in the stream up to which replies may be written.
std::uint64_t connection::may_leave() {
  const auto held =
      std::ranges::find_if(held_, [this](const auto& it) { return !shared_.broker.is_durable(it.receipt); });
  held_.erase(held_.begin(), held);
  return held_.empty() ? network::outbox::all : held_.front().from;
}

void connection::more_is_safe() {
  awaits_commit_ = false;
  if (!open_) return;
  write();
}

/// What is held will never be safe: an answer would be a promise that is not kept.
bool connection::store_has_failed_it() {
  return !held_.empty() && !shared_.broker.store_failure().empty() && may_leave() != network::outbox::all;
}

bool connection::replies_full() const noexcept {
  return replies_.bytes() >= shared_.limits.reply_bytes_max || (!replies_.empty() && memory_is_short());
}

bool connection::memory_is_short() const noexcept {
  return shared_.counts.held_bytes >= shared_.limits.all_held_bytes_max;
}

/// No further command is carried out while the client does not read its replies, or the disk is behind.
void connection::pause_if_full() {
  if (replies_full()) write();
  if ((replies_full() || share_.exceeded(shared_.broker)) && standing_ == standing::ready && open_) stand(standing::unread);
}

/// Nothing that was read is left to be carried out or answered.
bool connection::all_carried_out() const noexcept {
  return (standing_ == standing::ready || standing_ == standing::unread) && taken_ == input_.size();
}

/// So many that it may be read again.
bool connection::replies_taken() noexcept {
  if (share_.exceeded(shared_.broker)) return false;
  return replies_.empty() || (!replies_full() && replies_.bytes() <= shared_.limits.reply_bytes_max / 2);
}

void connection::count_held() {
  const std::size_t held = replies_.held_bytes() + (input_.empty() ? 0 : input_.capacity());
  shared_.counts.held_bytes += held - counted_;
  counted_ = held;
}

void connection::wait_for_room() {
  awaits_room_ = true;
  // Most never need it, and once asked for it is told each time.
  if (!std::exchange(asked_for_room_, true)) shared_.clients.tell_writable(socket_.descriptor(), *this);
}

}  // namespace millrace::beanstalk
