#include "tools/control_client.hpp"

#include <array>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "loop/task_scope.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

loop::awaitable<> run(loop::event_loop& loop, const network::address& server, network::http_request request,
                      std::optional<result<network::http_answer>>& answer) {
  const auto until = after(loop.now(), control_client::answer_timeout);
  auto exchanged = network::exchange_once(loop, server, std::move(request), {until, control_client::answer_bytes_max});
  answer.emplace(co_await std::move(exchanged));
}

}  // namespace

result<control_reply> control_client::ask(network::http_request request) const {
  loop::event_loop loop;
  loop::task_scope tasks{loop};
  std::optional<result<network::http_answer>> answer;
  tasks.spawn("request", run(loop, server_, std::move(request), answer));
  loop.run();
  if (!*answer) return answer->error();
  control_reply reply{(*answer)->status, {}};
  boost::system::error_code failure;
  reply.content = json::parse((*answer)->body, failure);
  if (failure || !reply.content.is_object())
    return invalid(network::write_address(server_) + ": the answer is not that of a control API");
  return reply;
}

result<control_reply> control_client::post(std::string target, const json::value& body) const {
  return ask(
      {"POST", std::move(target), {{"Content-Type", "application/json"}}, millrace::body{json::serialize(body)}});
}

}  // namespace millrace::tools
