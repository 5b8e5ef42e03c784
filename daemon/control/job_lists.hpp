#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "control/answers.hpp"
#include "control/context.hpp"
#include "control/job_filter.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// The lists of jobs that clients page through: `/v1/queues/{name}/jobs`. A token names the daemon, a cursor of the
/// engine, and a page of its walk, so that a page can be asked for again.
///
/// Owned by the API. Loop thread only. Limits: the engine forgets the least recently used cursor beyond `cursors_max`;
/// a search ends its page after `search_time_max`.
class job_lists {
 public:
  static constexpr std::uint64_t jobs_max = 1'000;
  static constexpr std::uint64_t jobs_by_default = 100;
  /// How long one request may search; the client goes on with the next page.
  static constexpr duration search_time_max = seconds{1};
  /// Bytes of each body that are shown, and of all bodies of a page: a page ends early for them.
  static constexpr std::size_t body_bytes_max = 1u << 16;
  static constexpr std::size_t page_body_bytes_max = 1u << 22;

  /// `context` outlives it.
  explicit job_lists(const context& context);

  loop::awaitable<http::response> page(http::request request);

 private:
  /// A list that has a next page.
  struct list {
    queue_id queue;
    engine::job_state state{};
    engine::job_filter filter;
    bool with_body{false};
    bool busy{false};  ///< a request reads a page of it
  };
  struct token {
    engine::cursor_id cursor;
    std::uint32_t page{0};
  };
  struct page_request {
    token at;
    std::uint64_t limit{jobs_by_default};
    bool repeats{false};
  };

  [[nodiscard]] checked<page_request> begin(const http::request& request);
  [[nodiscard]] checked<page_request> begin_list(const query& options, queue_id queue);
  [[nodiscard]] checked<page_request> go_on(const std::string& text, queue_id queue);
  loop::awaitable<http::response> read(page_request wanted, list& read_list);
  [[nodiscard]] std::optional<token> parse(std::string_view text) const;
  [[nodiscard]] std::string text_of(const token& named) const;
  void forget_gone_lists();

  const context& context_;
  std::string daemon_;  ///< differs from that of a daemon that ran before
  std::map<engine::cursor_id, list> lists_;
};

/// Adds `/v1/queues/{name}/jobs`. Requires: `lists` outlives the routes.
void add_job_lists(http::routes& routes, job_lists& lists);

}  // namespace millrace::control
