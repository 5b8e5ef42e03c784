#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

finish_request with_output(queue_id queue, std::string_view text) {
  finish_request request;
  request.outputs.push_back({queue, {.content = body{text}}});
  return request;
}

std::uint64_t buried(const engine_fixture& fixture, reason cause) {
  return fixture.engine.counts(fixture.engine.find("q").value()).buried[static_cast<std::size_t>(cause)].value();
}

}  // namespace

TEST_CASE("a job whose output can never fit into its queue fails with that reason") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto out = fixture.declare("out", 10, overflow::block, 3);
  fixture.put(s, "in");
  auto done = with_output(out, "long");
  done.job = fixture.take_id(s);
  const auto answer = fixture.engine.finish(s, finish_request{done}, fixture.now);
  CHECK(answer.status == finish_status::buried);
  CHECK(answer.outcome == outcome::failed);
  CHECK(answer.refusal == reason::too_large);
  CHECK(buried(fixture, reason::too_large) == 1);
  CHECK(buried(fixture, reason::output_full) == 0);
  CHECK(fixture.engine.look(done.job)->error_text == text_of_output_refusal(reason::too_large));
}

TEST_CASE("a job whose outputs the caller refuses fails with the caller's reason") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto out = fixture.declare("out", 10);
  fixture.put(s, "in");
  auto done = with_output(out, "a");
  done.job = fixture.take_id(s);
  done.output_refusal = reason::no_space;
  const auto answer = fixture.engine.finish(s, finish_request{done}, fixture.now);
  CHECK(answer.status == finish_status::buried);
  CHECK(answer.refusal == reason::no_space);
  CHECK(buried(fixture, reason::no_space) == 1);
  CHECK(fixture.engine.look(done.job)->error_text == text_of_output_refusal(reason::no_space));
  CHECK(fixture.engine.counts(out).puts.value() == 0);
}
