#include "network/http_client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/error.hpp>
#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "network/http_connections.hpp"
#include "network/name_resolver.hpp"

namespace millrace::network {

namespace {

/// Repeating such a request has the effect of sending it once.
bool may_be_repeated(const std::string& method) {
  constexpr std::array<std::string_view, 6> idempotent{"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(idempotent.begin(), idempotent.end(), method) != idempotent.end();
}

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// As browsers do it (the Fetch standard, "HTTP-redirect fetch"): after 303, and after 301 or 302 of a POST, the next
/// request is a GET without a body.
void adapt(http_request& request, unsigned status) {
  const bool becomes_get = status == 303 ? request.method != "HEAD" : status < 303 && request.method == "POST";
  if (!becomes_get) return;
  request.method = "GET";
  request.content = {};
}

}  // namespace

struct http_client::parts {
  parts(loop::event_loop& owner, const http_client_options& given, tls_context made, http_client_counts& counts)
      : loop{owner},
        options{given},
        context{std::move(made)},
        names{owner},
        connections{owner, given.connections_per_host, kept_max, given.idle_time, counts} {}

  loop::awaitable<result<>> open(client_stream& stream, const url& destination, instant until);
  /// One request to one URL, with the repetition on a new connection.
  loop::awaitable<result<http_answer>> ask(http_connections::lease& connection, const url& destination,
                                           const http_request& request, instant until);

  loop::event_loop& loop;
  http_client_options options;
  tls_context context;
  name_resolver names;
  http_connections connections;
};

result<std::unique_ptr<http_client>> http_client::make(loop::event_loop& loop, const http_client_options& options,
                                                       http_client_counts& counts) {
  auto context = tls_context::make(options.tls);
  if (!context) return context.error();
  if (options.expects_tls) {
    if (auto read = context->read_system_authorities(); !read) return read.error();
  }
  return std::unique_ptr<http_client>{new http_client{loop, options, std::move(*context), counts}};
}

http_client::http_client(loop::event_loop& loop, const http_client_options& options, tls_context context,
                         http_client_counts& counts)
    : parts_{std::make_unique<parts>(loop, options, std::move(context), counts)} {}

http_client::~http_client() = default;

std::size_t http_client::open_connections() const noexcept { return parts_->connections.open(); }

loop::awaitable<result<http_answer>> http_client::fetch(url destination, http_request request) {
  auto& p = *parts_;
  const std::string first_origin = write_origin(destination);
  duration left = p.options.request_timeout;
  for (std::uint32_t redirects = 0;; ++redirects) {
    std::string origin = write_origin(destination);
    if (origin != first_origin) request.headers.clear();
    request.target = destination.target;
    http_answer answer;
    {
      auto acquiring = p.connections.acquire(std::move(origin));
      auto connection = co_await std::move(acquiring);
      // The wait for a connection is the client's own, so it does not count.
      const instant until = after(p.loop.now(), left);
      auto asking = p.ask(connection, destination, request, until);
      auto answered = co_await std::move(asking);
      if (!answered) co_return answered.error();
      answer = std::move(*answered);
      left = time_between(p.loop.now(), until);
    }
    const auto location = answer.header("Location");
    if (!is_redirect(answer.status) || location.empty() || p.options.redirects_max == 0) co_return answer;
    if (redirects == p.options.redirects_max)
      co_return rejected(write_without_query(destination) + ": redirected more than " +
                         write_count(p.options.redirects_max) + " times");
    const auto next = resolve_reference(destination, location);
    if (!next) co_return rejected(write_without_query(destination) + ": redirected to a URL that " + next.error().text);
    if (destination.is_secure && !next->is_secure)
      co_return rejected(write_without_query(destination) + ": redirected from https to http");
    adapt(request, answer.status);
    destination = *next;
  }
}

loop::awaitable<result<http_answer>> http_client::parts::ask(http_connections::lease& connection,
                                                             const url& destination, const http_request& request,
                                                             instant until) {
  const std::string authority = write_authority(destination);
  for (;;) {
    const bool was_kept = connection.is_kept();
    if (!was_kept) {
      auto opening = open(connection.stream(), destination, until);
      const auto opened = co_await std::move(opening);
      if (!opened) co_return opened.error();
    }
    exchange_end end;
    auto exchanging = exchange(connection.stream(), authority, request, {until, options.body_bytes_max}, end);
    auto answer = co_await std::move(exchanging);
    if (answer) {
      if (end.is_reusable) connection.keep();
      co_return answer;
    }
    const auto& failure = answer.error();
    if (failure.code == errc::out_of_range) co_return rejected(failure.text);
    const bool is_stale = was_kept && !end.answer_began && failure.code == errc::io;
    if (!is_stale || !may_be_repeated(request.method)) co_return answer;
    connection.renew();
  }
}

loop::awaitable<result<>> http_client::parts::open(client_stream& stream, const url& destination, instant until) {
  if (destination.is_secure) {
    if (auto read = context.read_system_authorities(); !read) co_return read.error();
  }
  const auto now = loop.now();
  until = std::min(until, after(now, options.connect_timeout));
  const address target{destination.host, destination.port, {}};
  auto resolving = names.resolve(destination.host);
  const auto found = co_await loop::with_timeout(loop, std::move(resolving), until);
  if (!found) co_return error{errc::timed_out, write_address(target) + ": no address in time"};
  if (!*found) co_return found->error();
  auto opening = stream.open(target, **found, destination.is_secure ? &context : nullptr, until);
  co_return co_await std::move(opening);
}

}  // namespace millrace::network
