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

/// Adds `bytes` without the first `written` of them, as far as `most` allows.
void add_unwritten(outbox::pieces& into, std::string_view bytes, std::size_t& written, std::size_t most) {
  const auto skipped = std::min(written, bytes.size());
  written -= skipped;
  bytes.remove_prefix(skipped);
  bytes = bytes.substr(0, most - into.bytes);
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
  const auto most = static_cast<std::size_t>(std::min(up_to, appended_total()) - std::min(written_total(), up_to));
  std::size_t written = written_, from = 0;
  for (const auto& [behind, content] : large_) {
    add_unwritten(into, std::string_view{text_}.substr(from, behind - from), written, most);
    add_unwritten(into, content.view(), written, most);
    from = behind;
  }
  add_unwritten(into, std::string_view{text_}.substr(from), written, most);
}

void outbox::mark_written(std::size_t bytes) {
  written_ += bytes;
  drop_written();
}

boost::system::error_code outbox::write(plain_socket& to, std::uint64_t up_to) {
  for (;;) {
    pieces some;
    gather(some, up_to);
    if (some.count == 0) break;
    const auto [taken, failure] = some.count == 1
                                      ? to.send({static_cast<const char*>(some.list[0].iov_base), some.bytes})
                                      : to.send(std::span{some.list}.first(some.count));
    mark_written(taken);
    if (failure == boost::asio::error::would_block) break;
    if (failure) return failure;
    // Less than was offered: the system's buffer is full. All of it: more may be left than one write takes.
    if (taken < some.bytes || some.count < pieces_max) break;
  }
  return {};
}

void outbox::drop_written() {
  if (empty()) return clear();
  // Bodies that are through are let go; the text goes as a whole when all is written, or when most of it is.
  auto still = large_.begin();
  std::size_t text_through = 0;
  for (; still != large_.end() && written_ >= still->behind - text_through + still->content.size(); ++still) {
    written_ -= still->behind - text_through + still->content.size();
    dropped_ += still->behind - text_through + still->content.size();
    text_through = still->behind;
    large_bytes_ -= still->content.size();
  }
  large_.erase(large_.begin(), still);
  text_.erase(0, text_through);
  for (auto& later : large_) later.behind -= text_through;
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
