#include "beanstalk/conversation.hpp"

#include <string>
#include <vector>

#include "beanstalk/scripted_conversation.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::commands;
using testing::reserve;
using testing::scripted_conversation;
using testing::use;
using state = beanstalk::conversation::state;

namespace {

/// Brings a conversation into a state by the events that a client and the broker can cause.
void bring_into(state wanted, scripted_conversation& fixture) {
  switch (wanted) {
    case state::idle:
      return;
    case state::blocked:
      return fixture.receive(reserve);
    case state::yielded:
      fixture.executor.parts = 3;
      return fixture.receive("list-tubes\r\n");
    case state::read_paused:
      fixture.client_capacity = 0;
      return fixture.receive("use a\r\nuse b\r\n");
    case state::closing:
      fixture.client_capacity = 0;
      fixture.receive(use);
      return fixture.talk.finish(fixture.now);
  }
}

const beanstalk::session_limits four_bytes_of_replies{.reply_bytes_max = 4};

}  // namespace

TEST_CASE("each state answers each event as the transition table says") {
  // NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order in which a row is read
  struct transition {
    state from;
    std::string_view event;
    state to;
    commands executed;  ///< by the event
  };
  const transition table[] = {
      {state::idle, "bytes", state::read_paused, {"use"}},
      {state::idle, "turn", state::idle, {}},
      {state::idle, "drain", state::closing, {}},
      {state::idle, "finish", state::closing, {}},
      {state::idle, "end of input", state::closing, {}},
      {state::idle, "abandon", state::closing, {}},
      {state::blocked, "bytes", state::blocked, {}},
      {state::blocked, "decision", state::idle, {}},
      {state::blocked, "decision in a drain", state::closing, {}},
      {state::blocked, "drain", state::closing, {}},
      {state::blocked, "finish", state::closing, {}},
      {state::blocked, "end of input", state::closing, {}},
      {state::blocked, "shutdown while unread", state::yielded, {}},
      {state::blocked, "abandon", state::closing, {}},
      {state::yielded, "bytes", state::yielded, {}},
      {state::yielded, "turn", state::yielded, {}},
      {state::yielded, "last turn", state::idle, {}},
      {state::yielded, "abandon", state::closing, {}},
      {state::yielded, "drain", state::yielded, {}},
      {state::yielded, "finish", state::closing, {}},
      {state::yielded, "end of input", state::yielded, {}},
      {state::read_paused, "bytes", state::read_paused, {}},
      {state::read_paused, "client reads one reply", state::read_paused, {"use"}},
      {state::read_paused, "client reads all", state::idle, {"use"}},
      {state::read_paused, "abandon", state::closing, {}},
      {state::read_paused, "drain", state::read_paused, {}},
      {state::read_paused, "finish", state::closing, {}},
      {state::read_paused, "end of input", state::read_paused, {}},
      {state::closing, "bytes", state::closing, {}},
      {state::closing, "drain", state::closing, {}},
      {state::closing, "finish", state::closing, {}},
      {state::closing, "end of input", state::closing, {}},
      {state::closing, "abandon", state::closing, {}},
  };
  for (const auto& [from, event, to, executed] : table) {
    INFO("state " << static_cast<int>(from) << ", event " << event);
    scripted_conversation fixture{four_bytes_of_replies};
    bring_into(from, fixture);
    REQUIRE(fixture.talk.current() == from);
    fixture.executor.executed.clear();
    if (event == "bytes") {
      fixture.client_capacity = 0;
      fixture.receive(use);
    } else if (event == "turn") {
      if (fixture.talk.wants_turn()) fixture.talk.proceed(fixture.now);
    } else if (event == "last turn") {
      fixture.run();
    } else if (event == "abandon") {
      fixture.talk.abandon(fixture.now);
    } else if (event == "decision") {
      fixture.decide();
      fixture.run();
    } else if (event == "decision in a drain") {
      fixture.context.draining = true;
      fixture.decide();
      fixture.talk.proceed(fixture.now);
    } else if (event == "drain") {
      fixture.context.draining = true;
      fixture.talk.drain(fixture.now);
    } else if (event == "finish") {
      fixture.talk.finish(fixture.now);
    } else if (event == "end of input") {
      fixture.talk.end_input(fixture.now);
    } else if (event == "shutdown while unread") {
      fixture.talk.on_peer_shutdown();
      fixture.talk.stop_waiting(fixture.now);
    } else if (event == "client reads one reply") {
      fixture.client_reads(std::string_view{"use\r\n"}.size());
      fixture.run();
    } else if (event == "client reads all") {
      fixture.client_reads(1'000);
      fixture.run();
    }
    fixture.flush();
    CHECK(fixture.talk.current() == to);
    CHECK(fixture.executor.executed == executed);
  }
}

TEST_CASE("a put is executed once, however it is cut, and not before its last byte") {
  const std::string_view bytes = "use a\r\nput 0 0 60 5\r\nhello\r\nuse b\r\n";
  const std::size_t end_of_put = bytes.find("use b");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO("cut at " << cut);
    scripted_conversation fixture;
    fixture.executor.durable = 100;
    fixture.receive(bytes.substr(0, cut));
    const bool complete = cut >= end_of_put;
    CHECK((fixture.read_by_client.find("INSERTED") != std::string::npos) == complete);
    fixture.receive(bytes.substr(cut));
    CHECK(fixture.take() == "use\r\nINSERTED hello\r\nuse\r\n");
    CHECK(fixture.executor.executed == commands{"use", "put", "use"});
  }
}

TEST_CASE("a put that is cut by the end of input is not executed") {
  const std::string_view bytes = "put 0 0 60 5\r\nhello\r\n";
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    scripted_conversation fixture;
    fixture.receive(bytes.substr(0, cut));
    fixture.talk.end_input(fixture.now);
    fixture.flush();
    CHECK(fixture.executor.executed.empty());
    CHECK(fixture.closed);
  }
}

TEST_CASE("replies of one pipeline leave with their own commits and never overtake each other") {
  scripted_conversation fixture;
  fixture.receive("use a\r\nput 0 0 60 1\r\n1\r\nuse b\r\ndelete 1\r\nput 0 0 60 1\r\n2\r\n");
  CHECK(fixture.take() == "use\r\n");
  CHECK(fixture.talk.awaits_commit());
  CHECK(fixture.context.counts.held_bytes > 0);
  fixture.executor.durable = 1;
  fixture.flush();
  CHECK(fixture.take() == "INSERTED 1\r\nuse\r\n");
  fixture.executor.durable = 3;
  fixture.flush();
  CHECK(fixture.take() == "DELETED\r\nINSERTED 2\r\n");
  CHECK_FALSE(fixture.talk.awaits_commit());
  CHECK(fixture.context.counts.held_bytes == 0);
}

TEST_CASE("a decision's reply waits for its own receipt, and so does what follows it") {
  scripted_conversation fixture;
  fixture.receive("reserve\r\nuse a\r\n");
  fixture.executor.newest_batch = 7;
  fixture.decide(7);
  CHECK(fixture.talk.wants_turn());
  fixture.run();
  CHECK(fixture.executor.executed == commands{"reserve", "use"});
  CHECK(fixture.take().empty());
  fixture.commit();
  CHECK(fixture.take() == "RESERVED\r\nuse\r\n");
}

TEST_CASE("held replies that can never be durable are lost; a conversation without them is not") {
  scripted_conversation fixture, other;
  fixture.executor.store_failed = other.executor.store_failed = true;
  fixture.receive("put 0 0 60 1\r\n1\r\n");
  other.receive(use);
  CHECK(fixture.lost);
  CHECK(fixture.take().empty());
  CHECK_FALSE(other.lost);
}

TEST_CASE("after a half-close a reserve ends at once, and the commands before the end are answered") {
  scripted_conversation fixture;
  fixture.talk.on_peer_shutdown();
  fixture.receive("reserve\r\nuse a\r\n");
  CHECK(fixture.take() == "TIMED_OUT\r\nuse\r\n");
  CHECK_FALSE(fixture.closed);
  fixture.talk.end_input(fixture.now);
  fixture.flush();
  CHECK(fixture.closed);
}

TEST_CASE("a reserve that ends because its client sends nothing more is counted in the latencies") {
  const bool has_shut_down_before = GENERATE(true, false);
  scripted_conversation fixture;
  if (has_shut_down_before) fixture.talk.on_peer_shutdown();
  fixture.receive(reserve);
  fixture.talk.end_input(fixture.now);
  fixture.flush();
  fixture.context.reply_latency.observe_written(fixture.context.counts, fixture.now);
  CHECK(fixture.context.counts.seconds[wire::index_of(wire::beanstalk_verb::reserve)].count() == 1);
}

TEST_CASE("a decision that came before the half-close is delivered") {
  scripted_conversation fixture;
  fixture.receive("reserve\r\nuse a\r\n");
  fixture.decide();
  fixture.talk.end_input(fixture.now);
  fixture.flush();
  CHECK(fixture.executor.given_up == 0);
  fixture.run();
  CHECK(fixture.take() == "RESERVED\r\nuse\r\n");
  CHECK(fixture.closed);
}

TEST_CASE("after a half-close a command that waits for a body from disk gets its decision") {
  scripted_conversation fixture;
  fixture.executor.can_give_up = false;
  fixture.receive(reserve);
  fixture.talk.end_input(fixture.now);
  fixture.flush();
  CHECK_FALSE(fixture.closed);
  fixture.decide();
  fixture.run();
  CHECK(fixture.take() == "RESERVED\r\n");
  CHECK(fixture.closed);
}

TEST_CASE("a drain withdraws a command that waits, executes what is behind it, and closes") {
  scripted_conversation fixture;
  fixture.receive("reserve\r\nuse a\r\n");
  fixture.context.draining = true;
  fixture.talk.drain(fixture.now);
  fixture.flush();
  CHECK(fixture.take() == "TIMED_OUT\r\nuse\r\n");
  CHECK(fixture.closed);
}

TEST_CASE("a drain keeps the connection of a client that holds a job until the job has ended") {
  scripted_conversation fixture;
  fixture.executor.job_held = true;
  fixture.context.draining = true;
  fixture.talk.drain(fixture.now);
  fixture.flush();
  CHECK_FALSE(fixture.closed);
  CHECK(fixture.talk.has_work());
  fixture.executor.job_held = false;
  fixture.talk.drain(fixture.now);
  fixture.flush();
  CHECK(fixture.closed);
}

TEST_CASE("a drain keeps a decision that came before it") {
  scripted_conversation fixture;
  fixture.receive(reserve);
  fixture.decide();
  fixture.context.draining = true;
  fixture.talk.drain(fixture.now);
  fixture.flush();
  CHECK_FALSE(fixture.closed);
  fixture.run();
  CHECK(fixture.take() == "RESERVED\r\n");
}

TEST_CASE("finish closes after all replies are written, also those that wait for a commit") {
  scripted_conversation fixture;
  fixture.receive("put 0 0 60 1\r\n1\r\n");
  fixture.talk.finish(fixture.now);
  fixture.flush();
  CHECK_FALSE(fixture.closed);
  fixture.commit();
  CHECK(fixture.take() == "INSERTED 1\r\n");
  CHECK(fixture.closed);
}

TEST_CASE("what is behind a quit is ignored") {
  scripted_conversation fixture;
  fixture.receive("use a\r\nquit\r\nuse b\r\n");
  CHECK(fixture.take() == "use\r\n");
  CHECK(fixture.closed);
  CHECK(fixture.executor.executed == commands{"use", "quit"});
}

TEST_CASE("a refused line is answered and what follows is executed") {
  scripted_conversation fixture;
  fixture.receive("nonsense\r\nuse a\r\n");
  CHECK(fixture.take() == "REFUSED\r\nuse\r\n");
}

TEST_CASE("the client has spoken with its first whole line, not with half of one") {
  scripted_conversation fixture;
  fixture.receive("put 0 0 60");
  CHECK_FALSE(fixture.talk.has_spoken());
  fixture.receive(" 10\r\n");
  CHECK(fixture.talk.has_spoken());
}
