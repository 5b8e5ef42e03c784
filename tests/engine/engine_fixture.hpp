#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/engine.hpp"
#include "support/catch.hpp"

namespace millrace::engine::testing {

using namespace std::chrono_literals;

/// An engine with a clock that the test moves.
struct engine_fixture {
  explicit engine_fixture(engine_options limits = {}) : engine{limits} {}

  millrace::engine::engine engine;
  instant now{seconds{1'000}};

  /// A session that uses the first of the queues and watches them all.
  session_id session(std::initializer_list<std::string_view> queues = {"q"}) {
    const auto client = engine.open_session();
    engine.use(client, *queues.begin()).value();
    for (const auto name : queues) engine.watch(client, name).value();
    return client;
  }
  queue_id queue(std::string_view name = "q") { return engine.find(name).value(); }
  queue_id declare(std::string_view name, std::uint64_t max_jobs, overflow when_full = overflow::block,
                   std::uint64_t max_bytes = 1'000) {
    return engine.declare(name, {.max_jobs = max_jobs, .max_bytes = max_bytes, .when_full = when_full}).value();
  }

  struct put_details {
    millrace::engine::priority priority{default_priority};
    duration delay{0};
    duration ttr{default_ttr};
  };
  put_answer offer(session_id client, std::string_view text, put_details details) {
    return engine.put(client, engine.used(client), {body{text}, details.priority, details.delay, details.ttr}, now);
  }
  put_answer offer(session_id client, std::string_view text) { return offer(client, text, put_details{}); }
  job_id put(session_id client, std::string_view text, put_details details) {
    const auto answer = offer(client, text, details);
    REQUIRE(answer.status == put_status::inserted);
    return answer.job;
  }
  job_id put(session_id client, std::string_view text = "job") { return put(client, text, put_details{}); }

  reserve_status reserve(session_id client, duration wait = duration{0}, lease kind = lease::ttr) {
    return engine.reserve(client, kind, after(now, wait), now).status;
  }
  /// The body of the job that the session gets at once; "-" if it gets none.
  std::string take(session_id client, lease kind = lease::ttr) {
    const auto answer = engine.reserve(client, kind, now, now);
    return answer.status == reserve_status::reserved ? std::string{answer.job.content.view()} : "-";
  }
  /// The bodies of all ready jobs, in order, with a space between.
  std::string take_all(session_id client) {
    std::string all;
    for (auto text = take(client); text != "-"; text = take(client)) all += (all.empty() ? "" : " ") + text;
    return all;
  }
  job_id take_id(session_id client, lease kind = lease::ttr) {
    const auto answer = engine.reserve(client, kind, now, now);
    REQUIRE(answer.status == reserve_status::reserved);
    return answer.job.job;
  }
  finish_status finish(session_id client, job_id job, finish_request request) {
    request.job = job;
    return engine.finish(client, std::move(request), now).status;
  }
  finish_status finish(session_id client, job_id job) { return finish(client, job, {}); }

  void pass(duration time) {
    now += time;
    engine.advance(now);
  }
  job_state state(job_id job) { return engine.look(job).value().state; }

  /// The decisions for waiting sessions, as `granted 1: body`, `timed_out 2`, `put 1: 7`, `finish 1: 7 done`.
  std::vector<std::string> events() {
    std::vector<event> taken;
    engine.take_events(taken);
    std::vector<std::string> all;
    all.reserve(taken.size());
    for (const auto& each : taken) all.push_back(describe(each));
    return all;
  }

  static std::string describe(const event& decision) {
    const auto client = std::to_string(decision.session.value());
    switch (decision.type) {
      case event::kind::granted:
        return "granted " + client + ": " + std::string{decision.job.content.view()};
      case event::kind::deadline_soon:
        return "deadline_soon " + client;
      case event::kind::timed_out:
        return "timed_out " + client;
      case event::kind::shown:
        return "shown " + client;
      case event::kind::not_found:
        return "not_found " + client;
      case event::kind::put_admitted:
        return "put " + client + ": " + std::to_string(decision.id.value());
      case event::kind::finish_done:
        return "finish " + client + ": " + std::to_string(decision.id.value()) + " " + name_of(decision.finish.status);
      case event::kind::cancelled:
        return "cancelled " + client + ": " + std::to_string(decision.id.value());
    }
    return "?";
  }
  static std::string name_of(finish_status status) {
    switch (status) {
      case finish_status::done:
        return "done";
      case finish_status::buried:
        return "buried";
      case finish_status::dead_lettered:
        return "dead_lettered";
      case finish_status::retried:
        return "retried";
      case finish_status::postponed:
        return "postponed";
      case finish_status::interrupted:
        return "interrupted";
      case finish_status::expired:
        return "expired";
      case finish_status::waiting:
        return "waiting";
      case finish_status::not_found:
        return "not_found";
      case finish_status::no_space:
        return "no_space";
    }
    return "?";
  }
};

using texts = std::vector<std::string>;

}  // namespace millrace::engine::testing
