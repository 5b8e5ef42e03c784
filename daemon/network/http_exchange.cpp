#include "network/http_exchange.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace millrace::network {

namespace wire = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t piece_bytes_min = std::size_t{4} * 1024;
constexpr std::size_t piece_bytes_max = std::size_t{64} * 1024;
/// A body up to this length is sent together with its head.
constexpr std::size_t joined_body_bytes_max = std::size_t{16} * 1024;

using parser = wire::response_parser<wire::string_body>;

/// A method whose request has a body, so that its length is sent also when it is 0.
bool has_body(const std::string& method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

std::string head_of(const http_request& request, const std::string& authority) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  if (request.content.size() != 0 || has_body(request.method))
    text += "Content-Length: " + std::to_string(request.content.size()) + "\r\n";
  return text + "\r\n";
}

/// Reads one answer from a stream, with what was left over from the one before.
class answer_reader {
 public:
  answer_reader(client_stream& stream, bool without_body, exchange_limits limits, exchange_end& end)
      : stream_{stream}, without_body_{without_body}, limits_{limits}, end_{end} {}

  loop::awaitable<result<http_answer>> read() {
    for (unsigned interim = 0; interim <= interim_answers_max; ++interim) {
      auto reading = read_one();
      const auto done = co_await std::move(reading);
      if (!done) co_return done.error();
      const auto status = parser_->get().result_int();
      // 101 would end HTTP on this stream, and nobody has asked for it.
      if (status >= 200) co_return take_answer();
      if (status == 101) break;
    }
    co_return not_http("an answer that was not asked for");
  }

 private:
  loop::awaitable<result<>> read_one() {
    parser_.emplace();
    parser_->header_limit(answer_head_bytes_max);
    parser_->body_limit(limits_.body_bytes_max);
    parser_->eager(true);
    parser_->skip(without_body_);
    std::size_t piece = piece_bytes_min;
    while (true) {
      if (buffer_.size() != 0) {
        error_code failure;
        buffer_.consume(parser_->put(buffer_.data(), failure));
        if (failure == wire::error::body_limit) co_return too_long();
        if (failure && failure != wire::error::need_more) co_return not_http(failure.message());
        if (parser_->is_done()) co_return result<>{};
        // The parser limits the head and the body, but not the lines between the parts of a body.
        if (buffer_.size() > answer_head_bytes_max) co_return not_http("a line within the body is too long");
      }
      const auto space = buffer_.prepare(piece);
      auto reading = stream_.read_some({static_cast<char*>(space.data()), space.size()}, limits_.until);
      const auto got = co_await std::move(reading);
      if (!got) co_return got.error();
      if (*got == 0) co_return at_end();
      buffer_.commit(*got);
      end_.answer_began = true;
      // A peer that fills one piece has more to send.
      if (*got == piece) piece = std::min(piece * 2, piece_bytes_max);
    }
  }

  /// The peer has ended its side: that is the end of an answer without a length, and a failure of all others.
  result<> at_end() {
    error_code failure;
    if (end_.answer_began) parser_->put_eof(failure);
    if (end_.answer_began && !failure && parser_->is_done()) return {};
    return error{errc::io, stream_.peer() + (end_.answer_began ? ": closed by the other side within the answer"
                                                               : ": closed by the other side without an answer")};
  }

  http_answer take_answer() {
    // Bytes behind the answer belong to nothing.
    end_.is_reusable = parser_->keep_alive() && !parser_->need_eof() && buffer_.size() == 0;
    http_answer answer{parser_->get().result_int(), {}, std::move(parser_->get().body())};
    for (const auto& field : parser_->get())
      answer.headers.push_back({std::string{field.name_string()}, std::string{field.value()}});
    return answer;
  }

  [[nodiscard]] error not_http(const std::string& reason) const {
    return {errc::invalid, stream_.peer() + ": the answer is not HTTP: " + reason};
  }
  [[nodiscard]] error too_long() const {
    return {errc::out_of_range,
            stream_.peer() + ": the answer is longer than " + std::to_string(limits_.body_bytes_max) + " bytes"};
  }

  client_stream& stream_;
  bool without_body_;
  exchange_limits limits_;
  exchange_end& end_;
  std::optional<parser> parser_;
  boost::beast::flat_buffer buffer_;
};

}  // namespace

std::string_view http_answer::header(std::string_view name) const noexcept {
  for (const auto& each : headers) {
    if (boost::beast::iequals(each.name, name)) return each.value;
  }
  return {};
}

loop::awaitable<result<http_answer>> exchange(client_stream& stream, const std::string& authority,
                                              const http_request& request, exchange_limits limits, exchange_end& end) {
  auto head = head_of(request, authority);
  const auto content = request.content.view();
  const bool is_joined = content.size() <= joined_body_bytes_max;
  if (is_joined) head += content;
  auto writing = stream.write(head, limits.until);
  auto written = co_await std::move(writing);
  if (written && !is_joined) {
    auto rest = stream.write(content, limits.until);
    written = co_await std::move(rest);
  }
  if (!written) co_return written.error();
  answer_reader reader{stream, request.method == "HEAD", limits, end};
  auto reading = reader.read();
  co_return co_await std::move(reading);
}

loop::awaitable<result<http_answer>> exchange_once(loop::event_loop& loop, address server, http_request request,
                                                   exchange_limits limits) {
  client_stream stream{loop};
  auto opening = stream.open(server, limits.until);
  const auto opened = co_await std::move(opening);
  if (!opened) co_return opened.error();
  request.headers.push_back({"Connection", "close"});
  exchange_end end;
  const std::string authority = "localhost";
  auto exchanging = exchange(stream, authority, request, limits, end);
  co_return co_await std::move(exchanging);
}

}  // namespace millrace::network
