#pragma once

#include <string>
#include <utility>

#include "engine/engine_fixture.hpp"

namespace millrace::engine::testing {

/// A queue for jobs and one for outcomes, a session that uses and watches both.
struct groups_fixture : engine_fixture {
  explicit groups_fixture(engine_options limits = {}) : engine_fixture{limits} {}

  session_id client{session({"q", "out"})};

  group_id open(group_request request) {
    if (request.name.empty()) request.name = "batch";
    return engine.open_group(std::move(request), now).value();
  }
  group_id open() { return open({.outcome_queue = "out"}); }
  put_answer offer_member(group_id group, std::string_view text) {
    return engine.put(client, queue(), {.content = body{text}, .group = group}, now);
  }
  job_id put_member(group_id group, std::string_view text = "job") {
    const auto answer = offer_member(group, text);
    REQUIRE(answer.status == put_status::inserted);
    return answer.job;
  }
  job_id take_next() { return take_id(client); }
  finish_status end(job_id job, std::string result_text = {}) {
    return finish(client, job, {.result_text = std::move(result_text)});
  }
  finish_status fail(job_id job, std::string error_text = {}) {
    return finish(client, job, {.result = outcome::failed, .error_text = std::move(error_text)});
  }
  void close(group_id group) { CHECK(engine.close_group(group, now)); }
  group_facts facts(group_id group) { return engine.look_at_group(group).value(); }
  /// The outcome that is ready; "-" if there is none.
  std::string outcome_of_group() {
    const auto first = engine.first_ready(queue("out"));
    return first ? std::string{first->content.view()} : "-";
  }
};

inline std::string members_of(const std::string& outcome) {
  const auto begin = outcome.find("\"members\":");
  return begin == std::string::npos ? outcome : outcome.substr(begin + 10);
}

}  // namespace millrace::engine::testing
