#include "network/outbox.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <boost/asio/error.hpp>

#include "network/plain_socket.hpp"

namespace millrace::network {

namespace {

/// A spare buffer that has grown beyond this is given back to the system.
constexpr std::size_t spare_bytes_max = 1u << 20;

/// Capacity beyond twice its text that a buffer may keep.
constexpr std::size_t unused_capacity_max = 4u << 10;

/// Adds `bytes` without the first `written` of them, until `into` has `bytes_max` bytes or no free piece.
void add_unwritten(outbox::pieces& into, std::string_view bytes, std::size_t& written, std::size_t bytes_max) {
  const auto skipped = std::min(written, bytes.size());
  written -= skipped;
  bytes.remove_prefix(skipped);
  bytes = bytes.substr(0, bytes_max - into.bytes);
  if (bytes.empty() || into.count == into.list.size()) return;
  into.bytes += bytes.size();
  into.list[into.count++] = {const_cast<char*>(bytes.data()), bytes.size()};  // the system only reads them
}

}  // namespace

std::string& outbox::append_buffer() {
  if (text_.capacity() < spare_.capacity() && empty()) std::swap(text_, spare_);
  return text_;
}

void outbox::add(const body& content, std::string_view end) {
  if (content.size() < large_body_bytes) {
    append_buffer().append(content.view());
  } else {
    large_.push_back({text_.size(), content});
    large_bytes_ += content.size();
  }
  text_.append(end);
}

void outbox::gather(pieces& into, std::uint64_t up_to) const {
  const auto bytes_max = static_cast<std::size_t>(std::min(up_to, appended_total()) - std::min(written_total(), up_to));
  std::size_t written = written_, from = 0;
  for (const auto& [behind, content] : large_) {
    add_unwritten(into, std::string_view{text_}.substr(from, behind - from), written, bytes_max);
    add_unwritten(into, content.view(), written, bytes_max);
    from = behind;
  }
  add_unwritten(into, std::string_view{text_}.substr(from), written, bytes_max);
}

void outbox::mark_written(std::size_t bytes) {
  written_ += bytes;
  drop_written();
}

boost::system::error_code outbox::write(plain_socket& to, std::uint64_t up_to) {
  for (;;) {
    pieces offered;
    gather(offered, up_to);
    if (offered.count == 0) break;
    const auto [taken, failure] = offered.count == 1
                                      ? to.send({static_cast<const char*>(offered.list[0].iov_base), offered.bytes})
                                      : to.send(std::span{offered.list}.first(offered.count));
    mark_written(taken);
    if (failure == boost::asio::error::would_block) break;
    if (failure) return failure;
    // Less than was offered: the system's buffer is full. All of it: more may be left than one write takes.
    if (taken < offered.bytes || offered.count < pieces_max) break;
  }
  return {};
}

void outbox::drop_written() {
  if (empty()) return clear();
  // A body is released when it was written, with the text before it. The text behind the last large body is erased when
  // more than half of it was written: to erase it after each write would move the rest each time.
  auto first_kept = large_.begin();
  std::size_t text_erased = 0;
  for (; first_kept != large_.end() && written_ >= first_kept->behind - text_erased + first_kept->content.size();
       ++first_kept) {
    written_ -= first_kept->behind - text_erased + first_kept->content.size();
    dropped_ += first_kept->behind - text_erased + first_kept->content.size();
    text_erased = first_kept->behind;
    large_bytes_ -= first_kept->content.size();
  }
  large_.erase(large_.begin(), first_kept);
  text_.erase(0, text_erased);
  for (auto& later : large_) later.behind -= text_erased;
  if (large_.empty() && written_ > text_.size() / 2) {
    text_.erase(0, written_);
    dropped_ += std::exchange(written_, 0);
  }
  return_capacity();
}

/// A client that leaves a few bytes unread must not keep a buffer that was made for many.
void outbox::return_capacity() {
  if (text_.capacity() <= 2 * text_.size() + unused_capacity_max) return;
  std::string fitting{text_};
  text_.clear();
  std::swap(text_, fitting);
  if (fitting.capacity() > spare_.capacity() && fitting.capacity() <= spare_bytes_max) std::swap(fitting, spare_);
}

void outbox::clear() {
  dropped_ = appended_total();
  large_.clear();
  large_bytes_ = written_ = 0;
  text_.clear();
  if (text_.capacity() > spare_.capacity() && text_.capacity() <= spare_bytes_max) {
    std::swap(text_, spare_);
  }
  if (text_.capacity() != 0) text_ = std::string{};
}

}  // namespace millrace::network
