#include "sources/interval.hpp"

#include <millrace/loop/deadline.hpp>

namespace millrace::sources {

const options_of<interval_options>& interval_option_table() {
  static const auto table =
      options_of<interval_options>{}
          .duration("every", &interval_options::every, {.least = milliseconds{1}, .most = hours{24 * 3'650}},
                    "Time from one body to the next; the first one is made at once.")
          .text("body", &interval_options::body, "The body of each job.")
          .example("tick");
  return table;
}

result<std::unique_ptr<source>> interval::make(const interval_options& options, const source_context& context) {
  return std::unique_ptr<source>{std::make_unique<interval>(options, context.loop)};
}

interval::interval(const interval_options& options, loop::event_loop& loop)
    : loop_{loop}, every_{options.every}, body_{options.body} {}

next_body interval::next(instant now) {
  if (!due_) due_ = now;
  if (now < *due_) return nothing_yet{};
  const auto missed = (now - *due_) / every_;
  due_ = *due_ + every_ * (missed + 1);
  return body_;
}

loop::awaitable<> interval::more() {
  if (due_) co_await loop::sleep_until(loop_, *due_);
}

}  // namespace millrace::sources
