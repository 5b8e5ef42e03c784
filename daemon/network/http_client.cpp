#include "network/http_client.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "network/connection.hpp"

namespace millrace::network {

namespace asio = boost::asio;
namespace wire = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t head_bytes_max = 64u << 10;
constexpr std::size_t piece_bytes = 16u << 10;

std::string text_of(const http_request& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!request.body.empty()) text += "Content-Type: application/json\r\n";
  if (request.method != "GET") text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  return text + "\r\n" + request.body;
}

error not_http(const connection& peer, const std::string& reason) {
  return {errc::invalid, peer.peer() + ": the answer is not HTTP: " + reason};
}

}  // namespace

loop::awaitable<result<http_answer>> exchange(loop::event_loop& loop, address server, http_request request,
                                              instant until) {
  connection peer{loop};
  const auto opened = co_await peer.open(server, until);
  if (!opened) co_return opened.error();
  const auto text = text_of(request);
  const auto written = co_await peer.write(text, until);
  if (!written) co_return written.error();

  wire::response_parser<wire::string_body> parser;
  parser.header_limit(head_bytes_max);
  parser.body_limit(http_answer_bytes_max);
  parser.eager(true);
  boost::beast::flat_buffer buffer;
  std::array<char, piece_bytes> piece{};
  while (!parser.is_done()) {
    const auto got = co_await peer.read_some(piece, until);
    if (!got) co_return got.error();
    buffer.commit(asio::buffer_copy(buffer.prepare(*got), asio::buffer(piece.data(), *got)));
    error_code failure;
    buffer.consume(parser.put(buffer.data(), failure));
    if (failure && failure != wire::error::need_more) co_return not_http(peer, failure.message());
  }
  http_answer answer{parser.get().result_int(), std::move(parser.get().body())};
  co_return answer;
}

}  // namespace millrace::network
