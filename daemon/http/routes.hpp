#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <millrace/loop/task.hpp>

namespace millrace::http {

enum class method { get, head, post, put, remove, other };

/// A request as those who answer see it.
struct request {
  method how{method::get};
  std::string path;   ///< without the query
  std::string query;  ///< behind the `?`, undecoded
  std::string body;
};

inline constexpr std::string_view plain_text = "text/plain; charset=utf-8";

/// An answer. The body is shared, so that a page goes to many clients from one place in memory.
struct response {
  unsigned status{200};
  std::string content_type{plain_text};
  std::shared_ptr<std::string const> body;
  std::string allow;  ///< of a 405: the methods that the path has
};

/// A plain text answer.
[[nodiscard]] response text(unsigned status, std::string body);
/// An answer that needs no waiting.
[[nodiscard]] loop::awaitable<response> at_once(response ready);

/// Path and method → who answers. Filled at the start and then only read; belongs to the loop and outlives the
/// sessions. HEAD is answered by GET's answer without its body.
class routes {
 public:
  using answerer = std::function<loop::awaitable<response>(request)>;

  /// `/` answers with the list of all paths.
  routes();
  routes(const routes&) = delete;
  routes& operator=(const routes&) = delete;

  /// `about` is the line about it on the page `/`. Asserts that path and method are new.
  void add(method how, std::string path, std::string about, answerer answer);

  /// 404 for an unknown path, 405 with `allow` for a method that the path has not. What an answerer throws (other
  /// than that its task is cancelled) is logged and answered with 500.
  loop::awaitable<response> answer(request what) const;

 private:
  struct place {
    std::string about;
    std::map<method, answerer> answerers;
  };

  [[nodiscard]] response list() const;

  std::map<std::string, place, std::less<>> places_;
};

}  // namespace millrace::http
