#include "control/body_peek.hpp"

#include <utility>

namespace millrace::control {

body_peek::body_peek(const context& context)
    : broker_{context.broker}, session_{broker_.open_session()}, decided_{context.loop, "a body from disk"} {}

body_peek::~body_peek() {
  if (waiting_) broker_.withdraw(session_);
  // It holds no job, so that one turn is enough.
  broker_.try_close_session(session_);
}

loop::awaitable<std::optional<body>> body_peek::read(job_id job) {
  content_.reset();
  auto peeked = broker_.peek(session_, job, *this);
  if (peeked.answer.status == broker::peek_status::not_found) co_return std::nullopt;
  if (peeked.answer.status == broker::peek_status::found) co_return std::move(peeked.answer.job.content);
  waiting_ = true;
  while (waiting_) co_await decided_.wait();
  co_return std::move(content_);
}

void body_peek::on_decision(broker::decision&& decision) noexcept {
  waiting_ = false;
  if (decision.event.type == engine::event::kind::shown) content_ = std::move(decision.event.job.content);
  decided_.wake_all();
}

}  // namespace millrace::control
