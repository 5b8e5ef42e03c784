#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/loop/task.hpp>

#include "network/peer_credentials.hpp"

namespace millrace::http {

enum class method { get, head, post, put, remove, other };

/// A request as a handler of a route gets it.
struct request {
  http::method method{http::method::get};
  std::string path;   ///< without the query
  std::string query;  ///< the text after `?`, not decoded
  std::string body;
  std::string accept, accept_encoding;  ///< the headers, each as one list; see http/negotiation.hpp
  std::map<std::string, std::string, std::less<>> parameters{};  ///< the `{name}` segments of the route, decoded
  std::string idempotency_key{};                                 ///< the header of that name; empty: there is none
  std::optional<network::peer_credentials> peer{};               ///< the program at the other end of a Unix socket
};

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

/// An answer. The body is shared, so a page that is sent to many clients is in memory once.
struct response {
  unsigned status{200};
  std::string content_type{plain_text};
  std::shared_ptr<std::string const> body;
  std::string allow;  ///< for a 405: the methods of the path
  std::string vary;   ///< the headers of the request on which the form of the body depends
  std::string content_encoding;
};

/// `text` with each `%xx` decoded. nullopt: a `%` without two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// A plain text answer.
[[nodiscard]] response text(unsigned status, std::string body);
/// An answer without waiting.
[[nodiscard]] loop::awaitable<response> at_once(response ready);

/// Maps path and method to a handler. HEAD is answered like GET, without the body.
///
/// A path may have segments like `{name}`, each of which stands for one segment that is not empty. A request gets their
/// values with `%2F` and the like decoded. Paths without such segments go first.
///
/// Owned by the daemon, and outlives the connections. Loop thread only. Filled at the start, and not changed
/// afterwards.
class routes {
 public:
  using handler = std::function<loop::awaitable<response>(request)>;
  /// Makes the answer to a request that no handler gets. `code` is for programs, `message` a sentence for people.
  using refusal_writer = std::function<response(unsigned status, std::string_view code, const std::string& message)>;

  /// Adds `/`, which lists all paths. Refusals are plain text.
  routes();
  explicit routes(refusal_writer write_refusal);
  routes(const routes&) = delete;
  routes& operator=(const routes&) = delete;

  /// `about` describes the path in the list at `/`. Requires: path and method are new.
  void add(method method, const std::string& path, std::string about, handler handler);

  /// 404 for an unknown path, 405 with `allow` for a method that the path does not have. An exception of a handler is
  /// logged and answered with 500, except the cancellation of the task, which is passed on.
  loop::awaitable<response> answer(request request) const;
  [[nodiscard]] response refuse(unsigned status, std::string_view code, const std::string& message) const {
    return write_refusal_(status, code, message);
  }

 private:
  struct endpoint {
    std::string about;
    std::map<method, handler> handlers;
    std::vector<std::string> segments;  ///< of a path with parameters
  };

  /// Fills in the parameters. Null: no path fits.
  [[nodiscard]] const endpoint* find(request& received) const;
  [[nodiscard]] response not_allowed(const endpoint& found) const;
  [[nodiscard]] response list() const;

  refusal_writer write_refusal_;
  std::map<std::string, endpoint, std::less<>> endpoints_;
};

}  // namespace millrace::http
