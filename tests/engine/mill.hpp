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

/// An engine with a clock that stands until it is told to go on.
struct mill {
  explicit mill(engine_options limits = {}) : it{limits} {}

  engine it;
  instant now{seconds{1'000}};

  /// A session that uses the first of the queues and watches them all.
  session_id session(std::initializer_list<std::string_view> queues = {"q"}) {
    const auto who = it.open_session();
    it.use(who, *queues.begin()).value();
    for (const auto name : queues) it.watch(who, name).value();
    return who;
  }
  queue_id queue(std::string_view name = "q") { return it.find(name).value(); }
  queue_id declare(std::string_view name, std::uint64_t max_jobs, overflow when_full = overflow::block,
                   std::uint64_t max_bytes = 1'000) {
    return it.declare(name, {.max_jobs = max_jobs, .max_bytes = max_bytes, .when_full = when_full}).value();
  }

  struct how {
    millrace::engine::priority priority{default_priority};
    duration delay{0};
    duration ttr{default_ttr};
  };
  put_answer offer(session_id who, std::string_view text, how details) {
    return it.put(who, it.used(who), {body{text}, details.priority, details.delay, details.ttr}, now);
  }
  put_answer offer(session_id who, std::string_view text) { return offer(who, text, how{}); }
  job_id put(session_id who, std::string_view text, how details) {
    const auto answer = offer(who, text, details);
    REQUIRE(answer.status == put_status::inserted);
    return answer.job;
  }
  job_id put(session_id who, std::string_view text = "job") { return put(who, text, how{}); }

  reserve_status reserve(session_id who, duration wait = duration{0}, lease kind = lease::ttr) {
    return it.reserve(who, kind, after(now, wait), now).status;
  }
  /// The body of the job it gets at once; "-" if it gets none.
  std::string take(session_id who, lease kind = lease::ttr) {
    const auto answer = it.reserve(who, kind, now, now);
    return answer.status == reserve_status::reserved ? std::string{answer.job.content.view()} : "-";
  }
  /// All that can be taken now, in order, with a space between.
  std::string take_all(session_id who) {
    std::string all;
    for (auto text = take(who); text != "-"; text = take(who)) all += (all.empty() ? "" : " ") + text;
    return all;
  }
  job_id take_id(session_id who, lease kind = lease::ttr) {
    const auto answer = it.reserve(who, kind, now, now);
    REQUIRE(answer.status == reserve_status::reserved);
    return answer.job.job;
  }
  finish_status finish(session_id who, job_id job, finish_request what) {
    what.job = job;
    return it.finish(who, std::move(what), now).status;
  }
  finish_status finish(session_id who, job_id job) { return finish(who, job, {}); }

  void pass(duration time) {
    now += time;
    it.advance(now);
  }
  job_state state(job_id job) { return it.look(job).value().state; }

  /// What was decided for waiting sessions, as `granted 1: body`, `timed_out 2`, `put 1: 7`, `finish 1: 7 done`.
  std::vector<std::string> events() {
    std::vector<event> taken;
    it.take_events(taken);
    std::vector<std::string> told;
    for (const auto& each : taken) told.push_back(words(each));
    return told;
  }

  static std::string words(const event& told) {
    const auto who = std::to_string(told.session.value());
    switch (told.what) {
      case event::kind::granted:
        return "granted " + who + ": " + std::string{told.job.content.view()};
      case event::kind::deadline_soon:
        return "deadline_soon " + who;
      case event::kind::timed_out:
        return "timed_out " + who;
      case event::kind::shown:
        return "shown " + who;
      case event::kind::not_found:
        return "not_found " + who;
      case event::kind::put_admitted:
        return "put " + who + ": " + std::to_string(told.id.value());
      case event::kind::finish_done:
        return "finish " + who + ": " + std::to_string(told.id.value()) + " " + word(told.finish.status);
    }
    return "?";
  }
  static std::string word(finish_status status) {
    switch (status) {
      case finish_status::done:
        return "done";
      case finish_status::buried:
        return "buried";
      case finish_status::dead_lettered:
        return "dead_lettered";
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

using told = std::vector<std::string>;

}  // namespace millrace::engine::testing
