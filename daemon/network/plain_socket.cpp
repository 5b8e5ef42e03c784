#include "network/plain_socket.hpp"

#include <cerrno>
#include <utility>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/error.hpp>

namespace millrace::network {

using boost::system::error_code;

namespace {

/// A call does not block and does not raise SIGPIPE, whatever the flags of the descriptor are.
constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

/// Repeats `call` while signals interrupt it.
template <class Call>
plain_socket::io_result repeat_while_interrupted(const Call& call) noexcept {
  ssize_t done = 0;
  do done = call();
  while (done < 0 && errno == EINTR);
  if (done >= 0) return {static_cast<std::size_t>(done), {}};
  return {0, error_code{errno, boost::system::system_category()}};
}

int release_descriptor(stream_socket& socket) noexcept {
  error_code failure;
  const int descriptor = socket.release(failure);
  return failure ? -1 : descriptor;
}

}  // namespace

plain_socket::plain_socket(stream_socket socket) : descriptor_{release_descriptor(socket)} {}

plain_socket::io_result plain_socket::receive(std::span<char> buffer) noexcept {
  auto got = repeat_while_interrupted([&] { return ::recv(descriptor_, buffer.data(), buffer.size(), flags); });
  if (!got.failure && got.bytes == 0) got.failure = boost::asio::error::eof;
  return got;
}

plain_socket::io_result plain_socket::send(std::span<const char> bytes) noexcept {
  return repeat_while_interrupted([&] { return ::send(descriptor_, bytes.data(), bytes.size(), flags); });
}

plain_socket::io_result plain_socket::send(std::span<const iovec> pieces) noexcept {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // the system only reads them
  message.msg_iovlen = pieces.size();
  return repeat_while_interrupted([&] { return ::sendmsg(descriptor_, &message, flags); });
}

void plain_socket::shut_down_sending() noexcept { ::shutdown(descriptor_, SHUT_WR); }

bool plain_socket::has_unacknowledged_bytes() const noexcept {
  int bytes = 0;
  return ::ioctl(descriptor_, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

void plain_socket::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace millrace::network
